# Build: with the development dependencies, whose compiler emits dist/.
FROM node:26-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# The npm package "node" is for machines with an older Node: its download, a script, is not needed here.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build

# The image: what runs, and nothing else.
FROM node:26-slim
ENV NODE_ENV=production \
    HINDSYNC_LISTEN=0.0.0.0:8009 \
    HINDSYNC_INTERNAL_LISTEN=0.0.0.0:9009
WORKDIR /app
COPY package.json package-lock.json ./
# Without scripts: "prepare" would build again, without a compiler.
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force
COPY config ./config
COPY LICENSE ./
COPY --from=build /app/dist ./dist
# For usage_file: a volume that is mounted here belongs to the user below.
RUN mkdir /data && chown node:node /data
# Any user will do, also one made up by the orchestrator; the root file system may be read-only, but for /tmp.
USER node
EXPOSE 8009 9009
# 127.0.0.1 and the port of HINDSYNC_INTERNAL_LISTEN; change both together.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9009/health').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# The exec form, so that SIGTERM reaches node and open requests are finished.
CMD ["node", "dist/main.js"]

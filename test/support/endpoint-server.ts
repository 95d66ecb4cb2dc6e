// Endpoints of the table of routes on a server of their own, with the services that a test gives them.

import Fastify, { type FastifyInstance } from 'fastify';
import { registerRoutes } from '../../src/endpoints/register-routes.ts';
import type { Services } from '../../src/endpoints/services.ts';
import { installErrorHandler } from '../../src/http/error-handler.ts';
import { ROUTES } from '../../src/routes.ts';

/** The routes with this label. What a test does not give, an endpoint that it asks does not use. */
export async function createEndpointServer(
  label: string,
  services: Partial<Services>,
): Promise<FastifyInstance> {
  const app = Fastify();
  installErrorHandler(app);
  const routes = ROUTES.filter((route) => route.what === 'answer' && route.label === label);
  await registerRoutes(app, routes, services as Services, () => {});
  return app;
}

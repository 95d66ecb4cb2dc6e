import type { FastifyInstance } from 'fastify';
import { CONTENT_SECURITY_POLICY } from './page-style.ts';
import { readSorting } from './page-table.ts';
import { toPage } from './page.ts';
import type { Happenings } from './report.ts';
import type { ShownComparison } from './page-comparison.ts';
import type { ShownSunset } from './sunset-words.ts';
import type { Usage } from './usage.ts';

export interface UsageRoutesOptions {
  usage: Usage;
  happenings: () => Promise<Happenings>;
  sunset: ShownSunset | undefined;
  comparison: ShownComparison | undefined;
}

/** `GET /`, the report as a page, and `GET /usage.json`, on the internal listener. */
export async function usageRoutes(
  app: FastifyInstance,
  { usage, happenings, sunset, comparison }: UsageRoutesOptions,
): Promise<void> {
  const headers = {
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  };

  app.get('/usage.json', { logLevel: 'silent' }, async (_request, reply) =>
    reply.headers(headers).send(usage.report(await happenings())),
  );

  app.get('/', { logLevel: 'silent' }, async (request, reply) => {
    const query = new URLSearchParams(request.raw.url?.split('?', 2)[1] ?? '');
    const page = toPage(usage.report(await happenings()), {
      sorting: readSorting(query),
      isRefreshed: query.get('refresh') !== 'off',
      usersOf: (row) => usage.usersOf(row),
      sunset,
      comparison,
    });
    return reply
      .headers({ ...headers, 'content-security-policy': CONTENT_SECURITY_POLICY })
      .type('text/html; charset=utf-8')
      .send(page);
  });
}

import { fillStars } from '../../http/route-pattern.ts';
import type { Endpoint } from '../route.ts';
import type { Services } from '../services.ts';

/** Passes on what only has another path today, to that path, with its own segments as they came, and its query. */
export function createMoved({ passThrough }: Services, from: string, to: string): Endpoint {
  const pattern = from.split('/');
  return ({ request, reply }) => {
    const [rawPath = '', ...query] = (request.raw.url ?? '').split('?');
    const given = rawPath.split('/').slice(-pattern.length);
    const stars = given.filter((_, i) => pattern[i] === '*');
    const path = `/_matrix/client/v3/${fillStars(to, stars).join('/')}`;
    passThrough(request, reply, { rawUrl: [path, ...query].join('?') });
  };
}

import { fillStars } from './room-actions.ts';
import type { V1Endpoint, V1EndpointOptions } from './route.ts';

/** What only has another path today: passed on there, with the segments of its own as they came, and its query. */
export function createMoved({ passThrough }: V1EndpointOptions): V1Endpoint {
  return ({ route, request, reply }) => {
    const [rawPath = '', ...query] = (request.raw.url ?? '').split('?');
    const given = rawPath.split('/').slice(-route.path.split('/').length);
    const stars = given.filter((_, i) => route.path.split('/')[i] === '*');
    const path = `/_matrix/client/v3/${fillStars(route.to ?? '', stars).join('/')}`;
    passThrough(request, reply, { rawUrl: [path, ...query].join('?') });
  };
}

import type { SandboxHomeserver } from '../homeserver.ts';
import { MatrixError } from '../../matrix/errors.ts';
import { Bytes, type Call, get, post, type Route } from './route.ts';

export function mediaRoutes(homeserver: SandboxHomeserver): Route[] {
  const stored = new Map<string, Bytes>();
  const upload = ({ bytes, contentType }: Call): object => {
    const mediaId = `media${stored.size + 1}`;
    stored.set(mediaId, new Bytes(bytes, contentType));
    return { content_uri: `mxc://${homeserver.serverName}/${mediaId}` };
  };
  const download = ({ params }: Call): Bytes => {
    const media =
      params['server'] === homeserver.serverName ? stored.get(params['mediaId'] ?? '') : undefined;
    if (media === undefined) throw new MatrixError(404, 'M_NOT_FOUND', 'Not found');
    return media;
  };
  const downloads = (prefix: string, who: 'anybody' | 'guests too'): Route[] =>
    ['', '/:fileName'].map((end) => get(`${prefix}/download/:server/:mediaId${end}`, download, who));
  return [
    ...['/_matrix/media/r0', '/_matrix/media/v3'].flatMap((prefix) => [
      post(`${prefix}/upload`, upload),
      ...downloads(prefix, 'anybody'),
    ]),
    ...downloads('/_matrix/client/v1/media', 'guests too'),
  ];
}

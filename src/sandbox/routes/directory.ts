import type { SandboxHomeserver } from '../homeserver.ts';
import { MatrixError } from '../../matrix/errors.ts';
import type { RoomId } from '../../matrix/identifiers.ts';
import { forbidden } from '../permissions.ts';
import { type Call, findAlias, findRoom, get, post, put, readText, remove, type Route } from './route.ts';
import { toSummary } from './reading.ts';

export function directoryRoutes(homeserver: SandboxHomeserver): Route[] {
  const publicRooms = ({ query, body }: Call): unknown => {
    const published = [...homeserver.rooms.values()].filter((room) => room.isPublished);
    const start = Number(query.get('since') ?? body['since'] ?? 0);
    const end = start + Number(query.get('limit') ?? body['limit'] ?? published.length);
    return {
      chunk: published.slice(start, end).map(toSummary),
      total_room_count_estimate: published.length,
      ...(end < published.length && { next_batch: String(end) }),
    };
  };
  const { aliases } = homeserver;
  return [
    get(
      '/directory/room/:alias',
      ({ params }) => ({
        room_id: findAlias(homeserver, params['alias'] ?? ''),
        servers: [homeserver.serverName],
      }),
      'anybody',
    ),
    put('/directory/room/:alias', ({ params, body }) => {
      const alias = params['alias'] ?? '';
      if (aliases.has(alias)) throw new MatrixError(409, 'M_UNKNOWN', `Room alias ${alias} already exists`);
      aliases.set(alias, readText(body, 'room_id') as RoomId);
      return {};
    }),
    remove('/directory/room/:alias', ({ params }) => {
      aliases.delete(params['alias'] ?? '');
      return {};
    }),
    get(
      '/directory/list/room/:roomId',
      ({ params }) => ({
        visibility: findRoom(homeserver, params['roomId']).isPublished ? 'public' : 'private',
      }),
      'anybody',
    ),
    put('/directory/list/room/:roomId', ({ session, params, body }) => {
      const room = findRoom(homeserver, params['roomId']);
      if (room.membership(session.user.userId) !== 'join') throw forbidden('Not in the room');
      room.isPublished = body['visibility'] !== 'private';
      return {};
    }),
    get('/publicRooms', publicRooms, 'anybody'),
    post('/publicRooms', publicRooms, 'guests too'),
  ];
}

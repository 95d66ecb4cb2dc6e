import { MatrixError } from '../../matrix/errors.ts';
import type { RoomId } from '../../matrix/identifiers.ts';
import { forbidden } from '../permissions.ts';
import { type Call, findRoom, readText, type Route, type Served } from './route.ts';
import { toSummary } from './reading.ts';

export function directoryRoutes({ homeserver }: Served): Route[] {
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
  return [
    {
      method: 'GET',
      path: '/directory/room/:alias',
      who: 'anybody',
      handle: ({ params }) => {
        const roomId = homeserver.aliases.get(params['alias'] ?? '');
        if (roomId === undefined)
          throw new MatrixError(404, 'M_NOT_FOUND', `Room alias ${params['alias']} not found`);
        return { room_id: roomId, servers: [homeserver.serverName] };
      },
    },
    {
      method: 'PUT',
      path: '/directory/room/:alias',
      handle: ({ params, body }) => {
        const alias = params['alias'] ?? '';
        if (homeserver.aliases.has(alias))
          throw new MatrixError(409, 'M_UNKNOWN', `Room alias ${alias} already exists`);
        homeserver.aliases.set(alias, readText(body, 'room_id') as RoomId);
        return {};
      },
    },
    {
      method: 'DELETE',
      path: '/directory/room/:alias',
      handle: ({ params }) => {
        homeserver.aliases.delete(params['alias'] ?? '');
        return {};
      },
    },
    {
      method: 'GET',
      path: '/directory/list/room/:roomId',
      who: 'anybody',
      handle: ({ params }) => ({
        visibility: findRoom(homeserver, params['roomId']).isPublished ? 'public' : 'private',
      }),
    },
    {
      method: 'PUT',
      path: '/directory/list/room/:roomId',
      handle: ({ session, params, body }) => {
        const room = findRoom(homeserver, params['roomId']);
        if (room.membership(session.user.userId) !== 'join') throw forbidden('Not in the room');
        room.isPublished = body['visibility'] !== 'private';
        return {};
      },
    },
    { method: 'GET', path: '/publicRooms', who: 'anybody', handle: publicRooms },
    { method: 'POST', path: '/publicRooms', who: 'guests too', handle: publicRooms },
  ];
}

// The sorts of rows of the table of routes.

import type { Prefix } from '../http/route-pattern.ts';
import type { AnsweredRoute, Call, CreateEndpoint, PassedRoute, RefusedRoute, SessionCall } from './route.ts';
import { createEmptyBody, hasSomeBody } from './v1/empty-body.ts';
import { createMoved } from './v1/moved.ts';
import { createRoomActions } from './v1/room-actions.ts';

/** The prefixes of 2014 to 2016, of which nothing is left anywhere. */
export const GONE: readonly Prefix[] = ['api/v1', 'v2_alpha'];
/** Those, and that of 2016 to 2021. */
export const OLD: readonly Prefix[] = [...GONE, 'r0'];

const NO_BODY = 'no body, or `null`, is `{}`';
const ONCE = 'POST; a repeated transaction id gets the first answer';

type AboutAnswer = Pick<AnsweredRoute, 'label' | 'about' | 'takes' | 'isToday'>;
type AboutV1 = Omit<AboutAnswer, 'label'>;
type AboutOurs = AboutAnswer & Pick<AnsweredRoute & { session: 'known' }, 'refuseGuests'>;

/** A path of ours, whatever the method, for who has a session. */
export function ours(
  prefixes: readonly Prefix[],
  route: string,
  create: CreateEndpoint<SessionCall>,
  about: AboutOurs,
): AnsweredRoute {
  return { ...withSession(prefixes, route, create, about), isWholePath: true };
}

export function withSession(
  prefixes: readonly Prefix[],
  route: string,
  create: CreateEndpoint<SessionCall>,
  about: AboutOurs,
): AnsweredRoute {
  return { what: 'answer', prefixes, ...parseRoute(route), session: 'known', create, ...about };
}

/** Makes the row of a route that is answered without a session, or that looks for one itself. */
export function open(
  prefixes: readonly Prefix[],
  route: string,
  create: CreateEndpoint<Call>,
  about: AboutAnswer & Pick<AnsweredRoute, 'isUnread' | 'to'>,
): AnsweredRoute {
  return { what: 'answer', prefixes, ...parseRoute(route), session: 'none', create, ...about };
}

export const v1 = (
  prefixes: readonly Prefix[],
  route: string,
  create: CreateEndpoint<Call>,
  about: AboutV1,
): AnsweredRoute => open(prefixes, route, create, { label: 'v1', ...about });

export const v1Session = (
  prefixes: readonly Prefix[],
  route: string,
  create: CreateEndpoint<SessionCall>,
  about: AboutV1,
): AnsweredRoute => withSession(prefixes, route, create, { label: 'v1', ...about });

/** Makes the row of a route that may be answered from memory: the homeserver is asked for the session each time. */
export const checked = (
  prefixes: readonly Prefix[],
  route: string,
  create: CreateEndpoint<SessionCall>,
  { about }: AboutV1,
): AnsweredRoute => ({
  what: 'answer',
  prefixes,
  ...parseRoute(route),
  session: 'checked',
  create,
  label: 'v1',
  about,
});

export const eventList = (route: string, create: CreateEndpoint<SessionCall>): AnsweredRoute =>
  v1Session(GONE, route, create, { about: 'legacy events', isToday: true });

/** Makes the row of a route that needs no body, or did not need one at the time. */
export const mayBeEmpty = (route: string): AnsweredRoute =>
  open(OLD, route, createEmptyBody, { label: 'v1', about: NO_BODY, isUnread: hasSomeBody, isToday: true });

/** A PUT with a transaction id of what is a POST without one today. */
export const once = (path: string): AnsweredRoute =>
  checked(GONE, `PUT ${path}`, (services) => createRoomActions(services, path), { about: ONCE });

export function moved(prefixes: readonly Prefix[], route: string, to: string, about: string): AnsweredRoute {
  const { path } = parseRoute(route);
  return open(prefixes, route, (services) => createMoved(services, path, to), {
    label: 'v1',
    about,
    to,
    isUnread: () => true,
  });
}

export function refuse(prefixes: readonly Prefix[], route: string, about: string): RefusedRoute {
  return { what: 'refuse', prefixes, ...parseRoute(route), label: 'v1', about };
}

export function pass(prefixes: readonly Prefix[], route: string): PassedRoute {
  return { what: 'pass', prefixes, ...parseRoute(route) };
}

function parseRoute(route: string): { methods: string[]; path: string } {
  const [methods = '', path = ''] = route.split(' ');
  return { methods: methods.split(','), path };
}

// A route with the services → what answers its requests: all that endpoints have in common is done here.

import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Prefix } from '../http/route-pattern.ts';
import { closeSignal } from '../http/send.ts';
import { unrecognized } from '../matrix/errors.ts';
import type { AnsweredRoute, Call, Endpoint, RefusedRoute, SessionCall } from './route.ts';
import type { Services } from './services.ts';

/** A route of which some request is ours to answer. */
export type Listed = AnsweredRoute | RefusedRoute;

/** A route, and what answers a request that it takes. */
export interface Ready {
  route: Listed;
  takes: (request: FastifyRequest) => boolean;
  answer: (request: FastifyRequest, reply: FastifyReply, prefix: Prefix) => unknown;
}

export function toReady(route: Listed, services: Services): Ready {
  if (route.what === 'refuse')
    return { route, takes: () => true, answer: () => Promise.reject(unrecognized(404, route.about)) };
  const { takes } = route;
  return {
    route,
    takes: takes === undefined ? () => true : (request) => takes(request, services),
    answer: toAnswer(route, services),
  };
}

/** The one wrapper: what every endpoint has in common is done here. */
function toAnswer(route: AnsweredRoute, services: Services): Ready['answer'] {
  const { sessions } = services;
  if (route.session === 'none') {
    const endpoint: Endpoint = route.create(services);
    return (request, reply, prefix) => endpoint(new RequestCall(request, reply, prefix));
  }
  const endpoint: Endpoint<SessionCall> = route.create(services);
  const { refuseGuests } = route;
  const sessionOf = route.session === 'checked' ? sessions.checkedSessionOf : sessions.sessionOf;
  return async (request, reply, prefix) => {
    const call = new RequestCall(request, reply, prefix);
    const session = await sessionOf(request, call.signal);
    if (session.isGuest && refuseGuests !== undefined) throw refuseGuests();
    return sessions.withSession(session, async () => endpoint(Object.assign(call, { session })));
  };
}

class RequestCall implements Call {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly prefix: Prefix;
  #signal: AbortSignal | undefined;

  constructor(request: FastifyRequest, reply: FastifyReply, prefix: Prefix) {
    this.request = request;
    this.reply = reply;
    this.prefix = prefix;
  }

  get params(): readonly string[] {
    return Object.values(this.request.params as Record<string, string>);
  }

  /** Made when it is asked for: most requests pass. Fastify's own aborts when a body was read, too. */
  get signal(): AbortSignal {
    return (this.#signal ??= closeSignal(this.reply.raw));
  }
}

// What the table of routes says of a request, and what an endpoint is given to answer it.

import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Prefix, RoutePattern } from '../http/route-pattern.ts';
import type { MatrixError } from '../matrix/errors.ts';
import type { Services } from './services.ts';
import type { Session } from './session/session.ts';

/** A request that we answer, on its way through an endpoint. */
export interface Call {
  readonly prefix: Prefix;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** The segments for the stars of the route, unescaped, in order. */
  readonly params: readonly string[];
  /** Aborts when the client leaves, and when the answer is over: the one signal for all that is done for the request. */
  readonly signal: AbortSignal;
}

/** One that was sent with an access token which the homeserver knows. */
export interface SessionCall extends Call {
  readonly session: Session;
}

/** Answers a request: returns the body, or sends the answer itself. A 401 of the homeserver's that it throws ends the session. */
export type Endpoint<Given extends Call = Call> = (call: Given) => unknown;

/** Services → what answers the requests of a route. It takes of the services what it names. */
export type CreateEndpoint<Given extends Call> = (services: Services) => Endpoint<Given>;

interface Answered extends RoutePattern {
  what: 'answer';
  /** Under which its requests are counted. */
  label: string;
  /** Tells people what the answer is; it stands behind the path. */
  about: string;
  /**
   * Tells whether the route takes a request: of several routes of one method and path, the first that takes it
   * answers. Absent: it takes all.
   */
  takes?: (request: FastifyRequest, services: Services) => boolean;
  /**
   * The whole path is ours, as it is Synapse's: HEAD checks the access token, OPTIONS is a preflight, other methods
   * are 405. Absent: other methods pass.
   */
  isWholePath?: true;
  /** Whether the path is today's too, so that a request which the endpoint does not understand may pass. */
  isToday?: true;
  /** Whether the endpoint passes a request's body on unread; then it is called before the body comes. */
  isUnread?: (request: FastifyRequest) => boolean;
  /** Today's path of a route that has moved; its stars are filled from those of `path`, in order. */
  to?: string;
}

/** An endpoint that does not need a session, or looks for one itself. */
interface OpenRoute extends Answered {
  session: 'none';
  create: CreateEndpoint<Call>;
}

/** An endpoint that is only called with a session: a known one, or one of which the homeserver was asked just now. */
interface SessionRoute extends Answered {
  session: 'known' | 'checked';
  /** Makes the error for guests. Absent: guests may. */
  refuseGuests?: () => MatrixError;
  create: CreateEndpoint<SessionCall>;
}

export type AnsweredRoute = OpenRoute | SessionRoute;

/** A route that is 404, and why. */
export interface RefusedRoute extends RoutePattern {
  what: 'refuse';
  label: string;
  about: string;
}

/** A route of which only the prefix is rewritten. */
export interface PassedRoute extends RoutePattern {
  what: 'pass';
}

export type Route = AnsweredRoute | RefusedRoute | PassedRoute;

import type { FastifyRequest } from 'fastify';
import { isCalledForm } from '../../http/form.ts';
import { bodyOf } from './body.ts';
import type { Call, CreateEndpoint } from '../route.ts';

/** It is longer than `null` with whatever white space somebody puts around it. */
const LONGEST_NOTHING = 64;

/**
 * Passes on what needs no body, or did not need one at the time, with `{}` for none and for `null`, which an old
 * Python client sends everywhere; homeservers of today take neither. A body that is long enough to be one is not
 * read.
 *
 *
 *
 * @see docs/reference/clients.md#matrix-client-002-and-003
 */
export const createEmptyBody: CreateEndpoint<Call> =
  ({ passThrough }) =>
  ({ request, reply }) =>
    passThrough(request, reply, hasSomeBody(request) ? {} : { body: bodyOf(request) });

/** Whether a request has a body that is neither `null` nor a form, by its head alone. */
export function hasSomeBody({ headers }: FastifyRequest): boolean {
  return Number(headers['content-length'] ?? 0) > LONGEST_NOTHING && !isCalledForm(headers);
}

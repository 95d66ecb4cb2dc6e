import type { FastifyInstance, FastifyRequest } from 'fastify';
import { takeForm } from '../../http/form.ts';
import { queryOf } from '../../http/query.ts';
import type { JsonObject } from '../../matrix/client-event.ts';
import { MatrixError } from '../../matrix/errors.ts';

/** Makes of a body that is a form a part of the query, and no body. */
export function takeForms(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    done(null, takeForm(request.raw, body as Buffer) ? Buffer.alloc(0) : body);
  });
}

/** The body to send on as it came; `{}` for none, and for the `null` that an old Python client sends everywhere. */
export function bodyOf(request: FastifyRequest): Buffer {
  const { body } = request;
  return Buffer.isBuffer(body) && body.length > 0 && body.toString().trim() !== 'null' ? body : EMPTY;
}

const EMPTY = Buffer.from('{}');

/** The body as a JSON object. Throws 400 where it is none. */
export function readJsonObject(request: FastifyRequest): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(bodyOf(request).toString());
  } catch {
    throw new MatrixError(400, 'M_NOT_JSON', 'Content not JSON.');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new MatrixError(400, 'M_BAD_JSON', 'Content must be a JSON object.');
}

/** The query without what says who asks, which goes along with each call. */
export function plainQueryOf(request: FastifyRequest): URLSearchParams {
  const query = queryOf(request);
  for (const name of ['access_token', 'user_id', 'device_id', 'org.matrix.msc3202.device_id'])
    query.delete(name);
  return query;
}

import type { FastifyReply, FastifyRequest } from 'fastify';
import { ClientResponse } from '../../http/client-response.ts';
import { featuresOf } from '../usage/features.ts';
import type { Sunset } from './sunset.ts';

/**
 * A sunset → what begins every request: its answer, whoever makes it, tells of the dates. Throws the refusal where the
 * request uses what has ended, or what a brownout refuses.
 */
export function applySunset(
  sunset: Sunset,
): (label: string, request: FastifyRequest, reply: FastifyReply) => void {
  return (label, { raw }, reply) => {
    const features = featuresOf({
      endpoint: label,
      method: raw.method ?? '',
      rawUrl: raw.url ?? '',
      hasHeaderToken: raw.headers.authorization !== undefined,
    });
    if (features.length === 0) return;
    const headers = sunset.headersFor(features);
    if (headers.length > 0 && reply.raw instanceof ClientResponse) reply.raw.addToHead(headers);
    const refusal = sunset.refusalFor(features);
    if (refusal !== undefined) throw refusal;
  };
}

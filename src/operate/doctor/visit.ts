// The doctor's side of a visit: probes through a reverse proxy, and what of them arrived.

import type { Milliseconds } from '../../matrix/identifiers.ts';
import { ask, jsonOf, NoAnswer, type Answer, type Question } from '../ask.ts';
import { PROBE_HEADER, writeProbe, type Arrival, type ProbeOrder } from './probe.ts';

export interface Probe extends Omit<Question, 'origin' | 'deadlineMs'> {
  order?: Partial<Omit<ProbeOrder, 'nonce' | 'id'>>;
  deadlineMs?: Milliseconds;
}

/** Tells what became of one probe. */
export interface Outcome {
  /** How the proxy's client sees it; undefined where it got no answer. */
  answer: Answer | undefined;
  failure: NoAnswer | undefined;
  /** The probe as Hindsync received it; undefined where it did not. */
  arrival: Arrival | undefined;
  /** Whether the answer is Hindsync's. */
  isAnswered: boolean;
  tookMs: Milliseconds;
}

export interface Visit {
  /** The public address. */
  origin: string;
  nonce: string;
  send(probe: Probe): Promise<Outcome>;
  end(): Promise<void>;
}

/**
 * Opens a visit at the gateway's internal listener, for probes through `origin`. Throws `NoAnswer` where no gateway listens
 * there.
 */
export async function openVisit(addresses: {
  origin: string;
  internalUrl: string;
  deadlineMs: Milliseconds;
}): Promise<Visit> {
  const { origin, internalUrl, deadlineMs } = addresses;
  const atInternal = (question: Pick<Question, 'method' | 'rawUrl'>): Promise<Answer> =>
    ask({ origin: internalUrl, deadlineMs, ...question });
  const opened = await atInternal({ method: 'POST', rawUrl: '/doctor' });
  const { nonce } = (jsonOf(opened.text) ?? {}) as { nonce?: string };
  if (opened.status !== 201 || nonce === undefined) throw new NoAnswer('what listens there is not Hindsync');
  let sent = 0;

  async function arrivalOf(id: number): Promise<Arrival | undefined> {
    const { text } = await atInternal({ rawUrl: `/doctor/${nonce}` });
    const { arrivals = [] } = (jsonOf(text) ?? {}) as { arrivals?: Arrival[] };
    return arrivals.find((arrival) => arrival.id === id);
  }

  return {
    origin,
    nonce,
    send: async ({ order, headers, deadlineMs: ownDeadlineMs, ...question }) => {
      sent += 1;
      const id = sent;
      const probe = writeProbe({ nonce, id, waitMs: 0, isDripping: false, ...order });
      const startedAt = performance.now();
      const asked = await ask({
        ...question,
        origin,
        headers: { ...headers, [PROBE_HEADER]: probe },
        deadlineMs: ownDeadlineMs ?? deadlineMs,
      }).catch((error: unknown) => {
        if (error instanceof NoAnswer) return error;
        throw error;
      });
      const tookMs = performance.now() - startedAt;
      const answer = asked instanceof NoAnswer ? undefined : asked;
      const isAnswered = answer?.headers[PROBE_HEADER] === nonce;
      const arrival = isAnswered ? (jsonOf(answer.text) as Arrival) : await arrivalOf(id);
      return { answer, failure: asked instanceof NoAnswer ? asked : undefined, arrival, isAnswered, tookMs };
    },
    end: async () =>
      void (await atInternal({ method: 'DELETE', rawUrl: `/doctor/${nonce}` }).catch(() => {})),
  };
}

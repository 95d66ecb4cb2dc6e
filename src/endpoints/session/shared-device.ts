import type { FastifyRequest } from 'fastify';
import type { ModernSessions } from '../../caches/modern-sessions.ts';
import { MatrixError } from '../../matrix/errors.ts';
import type { Session } from './session.ts';

export interface SharedDeviceOptions {
  modernSessions: ModernSessions;
  refuseSharedDevices: boolean;
  /** Is told once of each session that an old and a modern client were found to use. */
  onSharedDevice?: () => void;
}

const SHARED_DEVICE =
  'A modern client syncs or encrypts with the access token of this old one, and would miss messages to its device: ' +
  'give the old client a login of its own';

/**
 * Checks the device of a poll, which acknowledges its to-device messages: a modern client on the same device would
 * miss them. Logs that once; throws a 403 where the operator wants it refused.
 *
 *
 *
 * @see docs/decisions/events.md
 */
export function checkSharedDevice(
  { deviceKey, deviceId }: Session,
  request: FastifyRequest,
  { modernSessions, refuseSharedDevices, onSharedDevice }: SharedDeviceOptions,
): void {
  if (!modernSessions.has(deviceKey)) return;
  if (refuseSharedDevices) throw new MatrixError(403, 'M_FORBIDDEN', SHARED_DEVICE);
  if (!modernSessions.isNew(deviceKey)) return;
  onSharedDevice?.();
  request.log.warn({ deviceId }, SHARED_DEVICE);
}

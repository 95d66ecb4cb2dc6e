import type { FastifyRequest } from 'fastify';
import type { ModernSessions } from '../../caches/modern-sessions.ts';
import { MatrixError } from '../../matrix/errors.ts';
import type { Session } from './session.ts';

export interface SharedDeviceOptions {
  modernSessions: ModernSessions;
  refuseSharedDevices: boolean;
  /** Told once of each session that was found to be used by an old and a modern client. */
  onSharedDevice?: () => void;
}

const SHARED_DEVICE =
  'A modern client syncs or encrypts with the access token of this old one, and would miss messages to its device: ' +
  'give the old client a login of its own';

/**
 * For polls, which acknowledge their device's to-device messages: a modern client on the same device would miss them.
 * Said once in the log; throws a 403 where the operator wants that refused.
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

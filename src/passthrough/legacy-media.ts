// Media of the time when anybody could have it: where a homeserver of today gives the same to who shows an access token.

const DOWNLOADS = /^\/_matrix\/media\/(?:r0|v1|v3)\/(?=(?:download|thumbnail)\/[^/?]+\/[^?]+)/;
/** The first of all, whose ids came to be a server's name and a name of its own. */
const CONTENT = /^\/_matrix\/content\/(?=[^/?]+\/[^/?]+(?:\?|$))/;

/**
 * The raw URL of a download or thumbnail → the same below `/_matrix/client/v1/media/`, query and escapes unchanged.
 *
 * Anything else, uploads among it, is given back as it came. The new place wants an access token, so ask this only for
 * requests that have one, and of a homeserver that has the place (Matrix 1.11).
 *
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/3916
 */
export function toAuthenticatedMedia(method: string, rawUrl: string): string {
  if (method !== 'GET' && method !== 'HEAD') return rawUrl;
  return rawUrl.replace(DOWNLOADS, NEW_PLACE).replace(CONTENT, `${NEW_PLACE}download/`);
}

const NEW_PLACE = '/_matrix/client/v1/media/';

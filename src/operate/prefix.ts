/** A raw URL → the prefix that the client chose; `other` for all that is no client API. */
export function prefixOf(rawUrl: string): string {
  return /^\/_matrix\/client\/(api\/v1|r0|v1|v3|v2_alpha|unstable)(?=[/?]|$)/.exec(rawUrl)?.[1] ?? 'other';
}

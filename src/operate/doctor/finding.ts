/** One thing that the doctor looked at. */
export interface Finding {
  /** `good`: it works. `note`: good to know. `look`: it works, but not for all or not well. `wrong`: it does not work. */
  verdict: 'good' | 'note' | 'look' | 'wrong';
  /** Says what was looked at, in two or three words. */
  what: string;
  /** Says what was found. */
  says: string;
  /** Says what to do about it; only where something is to be done. */
  advice?: string;
}

export const good = (what: string, says: string): Finding => ({ verdict: 'good', what, says });
export const note = (what: string, says: string): Finding => ({ verdict: 'note', what, says });
export const look = (what: string, says: string, advice: string): Finding => ({
  verdict: 'look',
  what,
  says,
  advice,
});
export const wrong = (what: string, says: string, advice: string): Finding => ({
  verdict: 'wrong',
  what,
  says,
  advice,
});

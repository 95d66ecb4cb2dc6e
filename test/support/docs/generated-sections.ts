/**
 * A page with some of its sections made anew: what stands between `<!-- NAME -->` and `<!-- /NAME -->` is replaced.
 *
 * Throws where the page has no section of that name, so that none is forgotten.
 */
export function withGenerated(page: string, sections: Readonly<Record<string, string>>): string {
  return Object.entries(sections).reduce((text, [name, section]) => {
    const [start, end] = [`<!-- ${name} -->\n`, `<!-- /${name} -->`];
    const [from, to] = [text.indexOf(start), text.indexOf(end)];
    if (from === -1 || to === -1)
      throw new Error(`The page has no section between ${start.trim()} and ${end}`);
    return `${text.slice(0, from + start.length)}${section}\n${text.slice(to)}`;
  }, page);
}

/** The names of a page's sections that are made from the code. */
export const generatedSectionsOf = (page: string): string[] =>
  [...page.matchAll(/^<!-- \/(.+) -->$/gm)].map(([, name = '']) => name);

/** What the groups of commands share in reading their options. */

/** For an option that may be repeated. */
export function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

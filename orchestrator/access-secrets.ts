/**
 * Which of a resource's access values are secrets, to be kept in the vault, and which a program (and a model) may see as they
 * are. Names decide first, then the value's look; what is in doubt is a secret.
 */

/** Words in a variable's name that mean a secret. */
const SECRET_WORDS =
  /(^|_)(API_?KEYS?|ACCESS_?KEYS?|KEYS?|TOKENS?|SECRETS?|PASSWORDS?|PASSWD|PASS|PWD|CREDENTIALS?|AUTH|DSN|PRIVATE|SIGNING|SIGNATURE|BEARER|JWT|COOKIE|SEED|MNEMONIC)(_|$)/i;
/** Keys that are made to be seen. */
const PUBLIC_WORDS = /(^|_)(PUBLIC|PUBLISHABLE|ANON)_/i;
/** What a name ends with when its value merely says which or where. */
const PLAIN_ENDS =
  /(^|_)(ID|IDS|NAME|REGION|LOCATION|HOST|HOSTNAME|PORT|SUBDOMAIN|DOMAIN|EMAIL|VERSION|TITLE|SLUG|PLAN|STATUS)$/i;
const URL_ENDS = /(^|_)(URL|URI|ENDPOINT|ORIGIN)$/i;
/** Long, as tokens are. */
const LONG = 20;
/** Whatever holds more than this (a sentence, a JSON text) is not shown: it may hold a key, or words for a model to obey. */
const PLAIN_VALUE = /^[\w.:/@+~%?&=,-]{0,300}$/;

export function isSecret(name: string, value: string): boolean {
  if (holdsCredentials(value) || !PLAIN_VALUE.test(value)) return true;
  if (SECRET_WORDS.test(words(name))) return !PUBLIC_WORDS.test(words(name));
  if (PLAIN_ENDS.test(words(name))) return false;
  if (URL_ENDS.test(words(name)) && URL.canParse(value)) return false;
  return value.length >= LONG;
}

/** `apiKey`, `api-key` and `API_KEY` are the same words. */
function words(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").replaceAll(/[-.]/g, "_");
}

/** A URL with a password, or with a query that names a secret, such as a database's connection string. */
function holdsCredentials(value: string): boolean {
  const url = URL.parse(value);
  if (url === null) return /:\/\/[^/\s]*:[^/\s]*@/.test(value);
  return (
    url.password !== "" || [...url.searchParams.keys()].some((key) => SECRET_WORDS.test(words(key)))
  );
}

/** Codes that a person reads and types: letters that are not mistaken for others and make no words (the alphabet of RFC 8628, section 6.1). */
import { randomInt } from "node:crypto";

const LETTERS = "BCDFGHJKLMNPQRSTVWXZ";
const LENGTH = 8;

/** Eight letters, about 34 bits. */
export function randomLetters(): string {
  return Array.from({ length: LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join("");
}

/** As they are shown: "BCDF-GHJK". */
export function showLetters(letters: string): string {
  return `${letters.slice(0, LENGTH / 2)}-${letters.slice(LENGTH / 2)}`;
}

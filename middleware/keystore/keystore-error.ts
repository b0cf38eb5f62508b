import { PurserError } from "../../protocol/error.ts";

export type KeystoreErrorCode =
  /** The text is no keystore of version 3, or one whose numbers nobody should work through. */
  | "KEYSTORE_INVALID"
  /** The passphrase is not the one it was written with (or a byte of it was changed). */
  | "KEYSTORE_PASSPHRASE";

export class KeystoreError extends PurserError<KeystoreErrorCode> {}

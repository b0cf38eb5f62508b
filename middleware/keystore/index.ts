/** Keys at rest: encrypted with a passphrase, in the format that geth, foundry and others write. */
export { KeystoreError, type KeystoreErrorCode } from "./keystore-error.ts";
export {
  decryptKey,
  encryptKey,
  type EncryptKeyOptions,
  type Keystore,
  readKeystore,
} from "./keystore.ts";

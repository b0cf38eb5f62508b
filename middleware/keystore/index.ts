/** Keys at rest: encrypted with a passphrase, in the format that geth, foundry and others write. */
export { encryptKey, type EncryptKeyOptions } from "./encrypt-key.ts";
export { KeystoreError, type KeystoreErrorCode } from "./keystore-error.ts";
export { decryptKey, type Keystore, readKeystore } from "./keystore.ts";

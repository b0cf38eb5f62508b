/** Durable state: SQLite files, and the wallet's ledger, on SQLite or PostgreSQL, behind named atomic commands. */
export { CommitQueue, type CommitQueueOptions } from "./commit-queue.ts";
export { copyDatabase } from "./copy-database.ts";
export {
  type Database,
  openDatabase,
  type Query,
  StoreError,
  type StoreErrorCode,
  type TransactionOptions,
} from "./database.ts";
export type {
  JournalLine,
  KeptRequest,
  Ledger,
  LedgerEntry,
  LedgerIdentity,
  LedgerRate,
  LedgerScope,
  LedgerVerification,
  Reservation,
  Spent,
} from "./ledger.ts";
export { UNATTRIBUTED } from "./ledger-scopes.ts";
export { LedgerError, type LedgerErrorCode } from "./ledger-error.ts";
export { type Account, isOpen, isOut, type ReleaseProof, STATES } from "./ledger-states.ts";
export { migrate, type MigrationStep } from "./migrate.ts";
export { openPostgresLedger, type OpenPostgresLedgerOptions } from "./postgres-ledger.ts";
export { openLedger, type OpenLedgerOptions } from "./sqlite-ledger.ts";

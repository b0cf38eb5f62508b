/** Durable state: SQLite files and the wallet's ledger, behind named atomic commands. */
export {
  type Database,
  openDatabase,
  type Query,
  StoreError,
  type StoreErrorCode,
} from "./database.ts";
export { migrate, type MigrationStep } from "./migrate.ts";

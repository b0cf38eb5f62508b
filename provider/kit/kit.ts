/** What a provider's own part is given to build on: its state, its callers' identity, its prices, and its till. */
import type { Asset, ServicesPage } from "../../protocol/index.ts";
import type { Database } from "../../store/index.ts";
import type { Accounts } from "./accounts.ts";
import type { Authenticate } from "./bearer.ts";
import type { Settings } from "./settings.ts";
import type { Till } from "./till.ts";

export interface ProviderKit {
  /** The folder that holds all state. */
  readonly dir: string;
  readonly publicUrl: string;
  /** The provider's one database; each part brings its own tables. */
  readonly database: Database;
  readonly settings: Settings;
  readonly accounts: Accounts;
  readonly catalog: ServicesPage;
  readonly asset: Asset;
  readonly authenticate: Authenticate;
  /** Where paid routes are sold. */
  readonly till: Till;
  readonly now: () => number;
  readonly newId: () => string;
}

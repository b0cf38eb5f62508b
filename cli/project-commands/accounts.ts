/** The commands of the accounts at providers, of the person's session, and of money. */
import { type CommandLine, PAID, PROVIDER, runs, TERMS } from "./command-line.ts";

const LINK = async () => import("../project/link.ts");
const LOGIN = async () => import("../project/login.ts");
const CONSENTS = async () => import("../project/consents.ts");
const BILLING = async () => import("../project/billing.ts");

export const ACCOUNTS: readonly CommandLine[] = [
  {
    name: "link",
    description: "Open or link the account at a provider.",
    args: [PROVIDER],
    options: [
      ["--config <json>", "settings for a new account there"],
      ["--provider-info <json>", "the same, where a provider asked for it"],
      ["--force", "anew, whatever there is"],
      TERMS,
    ],
    run: runs("link", async (command, [provider = ""]) => (await LINK()).link(command, provider)),
  },
  {
    name: "unlink",
    description: "Give up the account's link; its tokens are revoked.",
    args: [PROVIDER],
    run: runs("unlink", async (command, [provider = ""]) =>
      (await LINK()).unlink(command, provider),
    ),
  },
  {
    name: "open",
    description: "The provider's dashboard, already signed in: an address that works once.",
    args: [PROVIDER],
    run: runs("open", async (command, [provider = ""]) => (await LINK()).open(command, provider)),
  },
  {
    name: "consents",
    description: "Which agent may use which account, and for what.",
    run: runs("consents", async (command) => (await CONSENTS()).listConsents(command)),
    commands: [
      {
        name: "list",
        description: "The same.",
        run: runs("consents list", async (command) => (await CONSENTS()).listConsents(command)),
      },
      {
        name: "revoke",
        description: "Take one agent's consent back; its tokens end, and the others' do not.",
        args: [["<consent>", "its id, as `consents` shows it"]],
        options: [["--scope <scope>", "only this of it: resources, credentials or payments"]],
        run: runs("consents revoke", async (command, [id = ""]) =>
          (await CONSENTS()).revokeConsent(command, id),
        ),
      },
    ],
  },
  {
    name: "billing",
    description: "What pays, and the limit at each provider.",
    run: runs("billing", async (command) => (await BILLING()).showBilling(command)),
    commands: [
      {
        name: "show",
        description: "The same.",
        run: runs("billing show", async (command) => (await BILLING()).showBilling(command)),
      },
      {
        name: "add",
        description: "Say whether something pays, and where that is set up.",
        run: runs("billing add", async (command) => (await BILLING()).addBilling(command)),
      },
      {
        name: "update",
        description: "Change how much may be spent at a provider in a month.",
        options: [
          ["--limit <amount>", "US dollars in each month, such as 25.00"],
          ["--provider <provider>", "where it holds"],
          PAID,
        ],
        run: runs("billing update", async (command) => (await BILLING()).updateBilling(command)),
      },
    ],
  },
  {
    name: "spend",
    description: "What was spent this month and before, by provider.",
    args: [["[provider]", "such as cloudflare (default: all)"]],
    run: runs("spend", async (command, [provider]) => (await BILLING()).spend(command, provider)),
  },
  {
    name: "login",
    description: "Sign in with an orchestrator; a local world's person is signed in already.",
    options: [
      [
        "--complete-device",
        "go on with the sign-in that was begun, after the person has consented",
      ],
      ["--new-session", "sign in anew, even where there is a session"],
    ],
    run: runs("login", async (command) => (await LOGIN()).login(command)),
  },
  {
    name: "logout",
    description: "End the session with an orchestrator.",
    run: runs("logout", async (command) => (await LOGIN()).logout(command)),
  },
  {
    name: "switch-account",
    description: "End the session, and sign in as another person.",
    run: runs("switch-account", async (command) => (await LOGIN()).switchAccount(command)),
  },
];

/** What `purser scenario new` writes: a scenario that passes as it stands, with what is most often wanted. */
export const SCENARIO_TEMPLATE = `---
description: What this scenario shows.
budget: "25.00"
human:
  terms: accept
expect:
  outcome: live
  url:
    path: /
    contains: "Nimbus Coffee"
  domain: nimbus.dev
---

Put a landing page for Nimbus Coffee on nimbus.dev.
`;

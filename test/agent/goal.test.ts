import * as fc from "fast-check";
import { expect, test } from "vitest";
import { readGoal } from "../../agent/planner/goal.ts";

test.each([
  ["Put a landing page for Nimbus Coffee on nimbus.dev.", ["nimbus.dev"], false],
  [
    "A page on nimbus.dev. If that name is taken, use nimbus-coffee.dev.",
    ["nimbus.dev", "nimbus-coffee.dev"],
    true,
  ],
  ["A page on nimbus.dev or nimbus.com.", ["nimbus.dev", "nimbus.com"], false],
  ["A page on a.dev, b.dev or c.dev, whichever is free.", ["a.dev", "b.dev", "c.dev"], false],
  ["A page on nimbus.dev; nimbus.io is also fine.", ["nimbus.dev", "nimbus.io"], false],
  ["A page on https://nimbus.dev/ please", ["nimbus.dev"], false],
  ['A page on "nimbus.dev"', ["nimbus.dev"], false],
  ["A page on nimbus.dev with a link to example.com", ["nimbus.dev"], false],
  ["A page on nimbus.dev, like stripe.com", ["nimbus.dev"], false],
  ["A page on nimbus.dev with our index.html and app.js", ["nimbus.dev"], false],
  ["A page on nimbus.dev, e-mail hello@nimbus.com", ["nimbus.dev"], false],
  ["A page on nimbus.dev. Mention node.js and e.g. the U.S. too.", ["nimbus.dev"], false],
])("reads the domains of %j", (goal, alternatives, onlyIfTaken) => {
  expect(readGoal(goal).domains).toMatchObject({ alternatives, onlyIfTaken });
});

test("two names joined by and are both wanted", () => {
  expect(readGoal("A site on nimbus.dev and www.nimbus.dev").domains).toMatchObject({
    alternatives: ["nimbus.dev"],
    also: ["www.nimbus.dev"],
  });
});

test.each([
  ["Put a page for Nimbus Coffee on nimbus.dev", "Nimbus Coffee", []],
  [
    'A page for Nimbus Coffee that says "Fresh beans, slow mornings"',
    "Nimbus Coffee",
    ["Fresh beans, slow mornings"],
  ],
  [
    'Make a site called "The Daily Kettle" with “Always boiling” on top',
    "The Daily Kettle",
    ["Always boiling"],
  ],
  ["A page for Ada & Bob's Wedding", "Ada & Bob's Wedding", []],
  ["A page for my bakery, Crumb & Co, on crumb.dev", "Crumb & Co", []],
  ["Nimbus Coffee needs a website", "Nimbus Coffee", []],
  ["Put a page on nimbus-coffee.dev", "Nimbus Coffee", []],
  ["Make a page for my corner bakery that says hello", "Corner Bakery", ["hello"]],
  ["An API that stores notes under /notes/<id>", "Notes", []],
  ["Put a page online", "Welcome", []],
  ["Put a page on kettle.dev saying Always boiling.", "Kettle", ["Always boiling"]],
])("reads the name and the texts of %j", (goal, name, says) => {
  expect(readGoal(goal).content).toMatchObject({ name, says });
});

test.each([
  ["Build an API that stores notes under /notes/<id>", { collections: ["/notes"], form: false }],
  [
    "An API with PUT and GET on /api/items/:key that keeps data",
    { collections: ["/api/items"], form: false },
  ],
  ["A guestbook page where people leave a line", { collections: ["/entries"], form: true }],
  ["A page with a visit counter", { collections: [], counter: true }],
  ["A key-value API", { collections: ["/items"], form: false }],
])("reads what %j wants stored", (goal, storage) => {
  expect(readGoal(goal).storage).toMatchObject(storage);
});

test.each([
  "A landing page for the Book Store on books.dev",
  'A page that says "We remember your order"',
  "A page for Nimbus Notes on notes.dev",
  "A page for our coffee store, keep it simple",
])("does not take %j for a wish to store anything", (goal) => {
  expect(readGoal(goal).storage).toBeUndefined();
});

test.each([
  ["Deploy the folder site/ to lumen.dev", "site"],
  ["Put my site in ./site online", "site"],
  ["My site is in the folder portfolio. Put it on adamarsh.dev.", "portfolio"],
  ["Publish the `public/www` folder at lumen.dev", "public/www"],
  ["Deploy this folder to lumen.dev", "."],
  ["Put my existing website on lumen.dev", undefined],
  ["Put my own site on nimbus.dev", undefined],
  ["Put a page on lumen.dev", undefined],
  ["An API under /notes/", undefined],
])("reads the folder of %j", (goal, folder) => {
  expect(readGoal(goal).folder).toBe(folder);
});

test.each([
  ["What does nimbus.dev cost?", "question"],
  ["How much is it to put a page on nimbus.dev?", "question"],
  ["Is nimbus.dev available?", "question"],
  ["Can you put a page on nimbus.dev?", "site"],
  ["Register nimbus.dev", "buy"],
  ["Don't buy anything. Just tell me whether nimbus.dev is free.", "question"],
  ["Check if nimbus.dev is taken, do not register it", "question"],
  ["Do not register nimbus.dev, just look", "question"],
  ["Don't put anything online, just tell me if nimbus.dev is free", "question"],
  ["Check whether nimbus.dev is free. If it is, register it.", "buy"],
  ["Do not buy a domain. Put a page on nimbus.dev", "site"],
  ["hello", "unclear"],
  ["", "unclear"],
])("takes %j for a %s", (goal, kind) => {
  expect(readGoal(goal).kind).toBe(kind);
});

test.each([
  ["A page on nimbus.dev for at most $15", 15_000_000n],
  ["A page on nimbus.dev, spend under 12.50 dollars", 12_500_000n],
  ["A page on nimbus.dev that is under 50 KB", undefined],
  ["A page on nimbus.dev", undefined],
])("reads the limit of %j", (goal, limit) => {
  expect(readGoal(goal).spending.limit).toBe(limit);
});

test("reads any text without breaking", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 2000, unit: "binary" }), (goal) => {
      expect(() => readGoal(goal)).not.toThrow();
    }),
  );
});

test.each(["a.", "a-", '"', "for A ", "/a", "under 1", "a, ", "store ", "a.a ", "hours is "])(
  "reads %j ten thousand times over before anybody gets impatient",
  (piece) => {
    expect(readGoal(piece.repeat(10_000)).text).toHaveLength(10_000);
  },
);

test.each([
  ["Put a page on -bad-.dev", "-bad-.dev"],
  ["Put a page on ada..dev", "ada..dev"],
  ["Put a page on my_site.dev", "my_site.dev"],
  ["Put a page on münchen.dev, please", "münchen.dev"],
  ["Put a page on https://ada!.dev/", "ada!.dev"],
  [`Put a page on ${"a".repeat(64)}.dev`, `${"a".repeat(64)}.dev`],
  ["Put a page on nimbus.dev's www, and mail ada_b@nimbus.dev e.g. at 5 p.m.", undefined],
  ["Beans...slow mornings on nimbus.dev, from site/index_new.html, a .dev domain", undefined],
  ["A page on https://nimbus.dev:443/a_b.c?d=e, (nimbus.io) or **nimbus.com**.", undefined],
])("takes what is no domain in %j for none", (goal, invalid) => {
  expect(readGoal(goal).invalidDomain).toBe(invalid);
});

test.each(["Put my own site on nimbus.dev", "Deploy my files to lumen.dev"])(
  "does not guess the folder of %j",
  (goal) => {
    expect(readGoal(goal)).toMatchObject({ kind: "site", folder: undefined, unnamedFolder: true });
  },
);

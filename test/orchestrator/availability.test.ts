/** What a service's listing says of whether it can be had, and the order in which plans and their parts are added. */
import { expect, test } from "vitest";
import type { ServicesPage } from "../../protocol/index.ts";
import { codeOf, openDeskWorld, USER } from "./desk-world.ts";
import { openSession } from "./session-caller.ts";

test("availability is what it is: where a service is sold, what its provider must know, whether it can be paid, and whether it answers", async () => {
  const priced = (page: ServicesPage) => page.data.find(({ id }) => id === "crane")!;
  const service = (id: string, more: object) => ({
    id,
    description: id,
    pricing: { type: "free" },
    ...more,
  });
  await using world = await openDeskWorld({
    manners: {
      catalog: (page) => ({
        ...page,
        data: [
          ...page.data,
          service("local", { countries: ["PT", "ES"] }),
          service("called", { kyc: { required_fields: ["email", "phone"] } }),
          service("placed", { kyc: { required_fields: ["country"] } }),
        ],
      }),
    },
  });
  const pier = await world.addProvider({
    id: "pier",
    catalog: (page) => ({
      provider: { ...page.provider, payment: { ...page.provider.payment, assets: [] } },
      data: [priced(page), service("plain", {})],
    }),
  });
  const availability = async (country?: string) => {
    const me = openSession(world, { user: { ...USER, id: `usr_${country}`, country } });
    const { body } = await me.get("/v1/services");
    const { services } = body["data"] as {
      services: { reference: string; availability: string }[];
    };
    return Object.fromEntries(services.map((one) => [one.reference, one.availability]));
  };
  expect(await availability()).toMatchObject({
    "harbour/box": "available",
    "harbour/local": "available",
    "harbour/called": "unavailable",
    "harbour/placed": "unavailable",
    "pier/crane": "unavailable",
    "pier/plain": "available",
  });
  expect(await availability("pt")).toMatchObject({
    "harbour/local": "available",
    "harbour/placed": "available",
  });
  expect(await availability("DE")).toMatchObject({ "harbour/local": "not_in_country" });
  pier.manners.intercept.set(
    "/provisioning/services",
    (_, response) => void response.status(503).end(),
  );
  world.clock.now += 61_000;
  expect(await availability()).toMatchObject({
    "harbour/box": "available",
    "pier/plain": "unavailable",
  });
});

test("a component of a plan is had under one of its plans alone, at the price that it has there", async () => {
  const price = {
    type: "freeform",
    freeform: "$1",
    amount: "1.00",
    currency: "usd",
    interval: "month",
  };
  const part = {
    id: "part",
    description: "A part of a berth.",
    pricing: {
      type: "component",
      component: {
        options: [
          { type: "free", parent_service_ids: ["berth"] },
          { type: "paid", parent_service_ids: ["crane"], paid: price },
        ],
      },
    },
  };
  await using world = await openDeskWorld({
    manners: { catalog: (page) => ({ ...page, data: [...page.data, part] }) },
  });
  const me = openSession(world);
  const at = `/v1/projects/${world.project}`;
  const order = { service: "harbour/part", idempotency_key: "part", accept_terms: "2026-01" };
  const refused = await me.post(`${at}/resources`, order);
  expect([refused.status, codeOf(refused)]).toEqual([409, "PLAN_REQUIRED"]);
  expect(refused.body["error"]).toMatchObject({ details: { plan: "harbour/berth,harbour/crane" } });
  expect(world.provider.accounts.size, "nothing was made").toBe(0);
  const looked = (await me.post(`${at}/preflight`, order)).body["checks"];
  expect(looked).toContainEqual(expect.objectContaining({ code: "PLAN_REQUIRED", pass: false }));
  await me.post(`${at}/resources`, { ...order, service: "harbour/berth", idempotency_key: "plan" });
  expect((await me.post(`${at}/resources`, order)).body).toMatchObject({ status: "complete" });
});

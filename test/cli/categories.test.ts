import { expect, test } from "vitest";
import { categoryLines } from "../../cli/project/categories.ts";

const having = (...categories: string[]) => ({ categories });

test("the largest category comes first, and is the one in the command", () => {
  const services = [having("ai", "search"), having("search"), having("cache", "cache")];
  expect(categoryLines(services, "purser")).toEqual([
    "",
    "Categories: @search 2, @ai 1, @cache 1",
    "Narrow it: `purser catalog @search`, `purser catalog <provider>`, `purser search <words>`",
  ]);
});

test("what a stranger wrote and no shell should read is left out", () => {
  const lines = categoryLines(
    [having("ai", "x; rm -rf ~", "$(id)", "a b"), having("db")],
    "purser",
  );
  expect(lines[1]).toBe("Categories: @ai 1, @db 1");
});

test("more than a screen of them is cut, and one or none is no choice", () => {
  const many = Array.from({ length: 30 }, (_, index) => having(`c${index}`));
  expect(categoryLines(many, "purser")[1]).toMatch(/^Categories: (@c\d+ 1(, )?){24} and 6 more$/);
  expect(categoryLines([having("ai"), having()], "purser")).toEqual([]);
});

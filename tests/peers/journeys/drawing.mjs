// The stylesheet, scripts and icons of a page, loaded under the service's own content security policy.
import assert from "node:assert/strict";

export default async function ({ person, js }, { look }) {
  const ann = await person("Ann");
  await ann.visit("/");
  assert.equal(await ann.heading(), "Check your email");

  const classes = await ann.page.locator("body").getAttribute("class");
  assert.equal(classes.includes("govuk-frontend-supported"), js);
  const size = await ann.page.getByRole("heading", { level: 1 }).evaluate((h) => getComputedStyle(h).fontSize);
  assert.equal(size, "48px", "the style sheet is not in force");
  const family = await ann.page.getByRole("heading", { level: 1 }).evaluate((h) => getComputedStyle(h).fontFamily);
  assert.equal(family.includes("GDS Transport"), look === "govuk");
  const started = await ann.page.locator("[data-govuk-character-count-init]").count();
  assert.equal(started, js ? 1 : 0);

  await ann.fill("Security code", "123 456");
  await ann.screenshot(`drawing-${look}`);
  await ann.press("Continue");
  await ann.sees("You typed 123 456");
}

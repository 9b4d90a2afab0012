// A support agent's day: registers an organisation, keeps its user list, one at a time and by CSV, with mistakes, and
// looks why somebody cannot get in. Every page on the way is checked.
import assert from "node:assert/strict";

export default async function ({ person }, { agent }) {
  const sam = await person("Sam");
  const first = async (selector) => {
    await sam.page.locator(selector).first().click();
    await sam.page.waitForLoadState("load");
    await sam.check();
  };
  await sam.visit("/support");
  await sam.press(agent);
  await sam.screenshot("support-home");
  await sam.press("Find");
  await sam.screenshot("support-home-error");

  await sam.visit("/support/organisations/new");
  await sam.press("Register");
  await sam.sees("There is a problem");
  await sam.screenshot("support-register-error");
  await sam.fill("Name", "Northern Training");
  await sam.choose("Lead provider");
  await sam.press("Register");
  const organisation = new URL(sam.page.url()).pathname;
  await sam.screenshot("support-organisation-empty");

  await sam.fill("Email address", "not an address");
  await sam.press("Add");
  await sam.sees("There is a problem");
  await sam.screenshot("support-organisation-error");
  await sam.fill("Email address", "ada@gmial.com");
  await sam.fill("Full name (optional)", "Ada Obi");
  await sam.press("Add");
  await sam.screenshot("support-near-miss");
  await sam.fill("Email address", "ada@northern.example");
  await sam.press("Add");
  await sam.sees("ada@northern.example");
  await sam.screenshot("support-organisation");

  await sam.visit(`${organisation}/change`);
  await sam.screenshot("support-change");
  await sam.visit(`${organisation}/import`);
  await sam.press("See what would happen");
  await sam.sees("There is a problem");
  await sam.screenshot("support-import-error");
  await sam.page
    .getByLabel("Or paste the rows")
    .fill("email,name\nbob@northern.example,Bob Hill\nnonsense,Nobody\nada@northern.example,Ada Obi\n");
  await sam.press("See what would happen");
  await sam.screenshot("support-preview");
  await sam.press("Put 1 person on the list");
  await sam.screenshot("support-imported");

  await sam.visit(organisation);
  await first(`main a[href^='${organisation}/users/']`);
  await sam.screenshot("support-entry");
  await sam.press("Take off the list");
  await sam.sees("There is a problem");
  await sam.screenshot("support-entry-error");

  await sam.visit("/support");
  await sam.fill("Find an organisation or a person", "northern.example");
  await sam.press("Find");
  await sam.screenshot("support-found");
  await first("main a[href^='/support/people/']");
  const ada = new URL(sam.page.url()).pathname;
  await sam.screenshot("support-person");
  await sam.visit(`${ada}/email`);
  await sam.press("Change");
  await sam.sees("There is a problem");
  await sam.screenshot("support-email-error");

  await sam.visit("/support/measures");
  await sam.screenshot("support-measures");
  assert.match(await sam.heading(), /\S/);
}

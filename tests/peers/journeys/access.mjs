// The main journey: a colleague asks for access, an approver grants it, the colleague gets in, and an auditor
// sees each step. Every page on the way is checked.
import assert from "node:assert/strict";

export default async function ({ person }, { approver, colleague, auditor }) {
  const ann = await person("Ann");
  await ann.visit("/");
  await ann.screenshot("start");
  await ann.press("Sign in with DfE Sign-in");
  await ann.press(approver);
  await ann.screenshot("home-approver");

  const cai = await person("Cai");
  await cai.visit("/access");
  await cai.press(colleague);
  await cai.screenshot("home-without-access");
  await cai.visit("/access/ask");
  await cai.screenshot("ask");
  await cai.page.locator("textarea").fill("I am the new induction tutor.");
  await cai.page.locator("main form button[type=submit]").first().click();
  await cai.page.waitForLoadState("load");
  await cai.check();
  await cai.screenshot("home-asked");

  await ann.visit("/school/requests");
  await ann.screenshot("requests");
  await ann.page.locator("main a[href^='/school/requests/']").first().click();
  await ann.page.waitForLoadState("load");
  await ann.check();
  await ann.screenshot("request");
  const path = new URL(ann.page.url()).pathname;
  await ann.page.locator(`form[action='${path}/decline'] button`).click();
  await ann.page.waitForLoadState("load");
  await ann.sees("There is a problem");
  await ann.check();
  await ann.screenshot("request-declined-without-reason");
  await ann.page.locator(`form[action='${path}/grant'] button`).click();
  await ann.page.waitForLoadState("load");
  await ann.check();
  await ann.screenshot("granted");
  for (const [name, where] of [
    ["users", "/school/users"],
    ["add", "/school/users/add"],
    ["review", "/school/review"],
    ["stand-down", "/school/approvers/stand-down"],
    ["account", "/account"],
    ["cookies", "/cookies"],
    ["accessibility", "/accessibility"],
    ["privacy", "/privacy"],
    ["not-found", "/nothing"],
  ]) {
    await ann.visit(where);
    await ann.screenshot(name);
  }
  await ann.visit("/school/users?q=Cai");
  await ann.page.locator("main a[href^='/school/users/']:not([href$='/add'])").first().click();
  await ann.page.waitForLoadState("load");
  await ann.check();
  await ann.screenshot("user");
  const user = new URL(ann.page.url()).pathname;
  for (const page of ["end", "end-date", "approver"]) {
    await ann.visit(`${user}/${page}`);
    await ann.screenshot(`user-${page}`);
  }

  await cai.visit("/access");
  await cai.sees("You have access");
  await cai.screenshot("home-with-access");

  const jo = await person("Jo");
  await jo.visit("/audit");
  await jo.press(auditor);
  await jo.sees("Cai Okoro");
  await jo.screenshot("timeline");
  await jo.page.locator("main a[href^='/audit/events/']").first().click();
  await jo.page.waitForLoadState("load");
  await jo.check();
  await jo.screenshot("event");

  // Who had access, since when, on whose authority.
  const click = async (locator) => {
    await locator.first().click();
    await jo.page.waitForLoadState("load");
    await jo.check();
  };
  await jo.visit("/audit?type=access-granted");
  await click(jo.page.locator("main a[href^='/audit/events/']"));
  await click(jo.page.locator("main a[href^='/audit?school=']"));
  await click(jo.page.getByRole("link", { name: /^Who had access to/ }));
  await jo.sees("People with access");
  await jo.screenshot("as-it-stood");
  const organisation = new URL(jo.page.url()).pathname;
  await jo.page.getByLabel("Date", { exact: true }).fill("31/2/2026");
  await jo.press("Show");
  await jo.sees("Enter a date, like 27/3/2026");
  await jo.screenshot("as-it-stood-error");
  await jo.visit(organisation);
  await jo.follow("A picture of everybody’s access through time");
  await jo.screenshot("picture");
  await jo.visit(`${organisation}/compare`);
  await jo.page.getByLabel("Date", { exact: true }).first().fill("1/1/2020");
  await jo.press("Compare");
  await jo.sees("Who came");
  await jo.screenshot("compare");
  await jo.visit(organisation);
  await jo.follow("Cai Okoro");
  await jo.sees("On whose authority they have access");
  await jo.screenshot("lineage");
  await jo.follow("Everywhere that they had to do with, and their sessions");
  await jo.screenshot("auditors-person");

  await cai.visit("/access");
  await cai.page.getByRole("button", { name: "Sign out", exact: true }).click();
  await cai.page.getByRole("button", { name: "Sign out of DfE Sign-in" }).click();
  await cai.page.waitForLoadState("load");
  assert.equal(await cai.heading(), "You have signed out");
  await cai.check();
  await cai.screenshot("signed-out");
}

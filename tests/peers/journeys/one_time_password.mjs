// Somebody on a user list signs in with an emailed code, after the mistakes that people make. Every page on the way is
// checked.
import assert from "node:assert/strict";

async function codeFor(email, mail) {
  for (let count = 1; count < 20; count += 1) {
    const messages = await (await fetch(`${mail}/messages?count=${count}`)).json();
    const found = messages.findLast(({ envelope }) => envelope.to.includes(email));
    const code = found?.text?.match(/\b\d{6}\b/)?.[0];
    if (code) return code;
  }
  throw new Error("no code was mailed");
}

export default async function ({ person }, { email, mail }) {
  const ada = await person("Ada");
  await ada.visit("/");
  await ada.follow("sign in with a security code");
  await ada.screenshot("code-ask");
  await ada.fill("Email address", "ada@northern");
  await ada.press("Send the code");
  await ada.sees("There is a problem");
  await ada.screenshot("code-ask-wrong");
  await ada.fill("Email address", email);
  await ada.press("Send the code");
  assert.equal(await ada.heading(), "Check your email");
  await ada.sees(email);
  await ada.screenshot("code-check");
  const field = ada.page.getByLabel("Security code", { exact: true });
  assert.equal(await field.getAttribute("autocomplete"), "one-time-code");
  assert.equal(await field.getAttribute("inputmode"), "numeric");

  const code = await codeFor(email, mail);
  const wrong = String((Number(code) + 1) % 1_000_000).padStart(6, "0");
  for (const [typed, said] of [
    ["", "Enter the security code"],
    ["12345", "not entered enough numbers"],
    ["1234567", "entered too many numbers"],
    ["12345a", "must only include numbers"],
    [wrong, "The security code is incorrect"],
  ]) {
    await ada.fill("Security code", typed);
    await ada.press("Continue");
    await ada.sees(said);
  }
  await ada.screenshot("code-check-wrong");

  // The code is worth nothing in a browser that did not ask.
  const eve = await person("Eve");
  await eve.visit("/sign-in/code/check");
  assert.equal(await eve.heading(), "Sign in with a security code");

  await ada.fill("Security code", ` ${code.slice(0, 3)} ${code.slice(3)} `);
  await ada.press("Continue");
  await ada.sees("Northern Training");
  await ada.screenshot("home-by-code");
  await ada.visit("/account");
  await ada.sees("Emailed security code");
  await ada.visit("/school/requests");
  assert.equal(await ada.heading(), "Sign in with DfE Sign-in to do this");
  await ada.screenshot("needs-dfe-sign-in");
}

// Signing in and out at the OpenID provider, and the ways that this does not succeed.
import assert from "node:assert/strict";

const claims = async (someone) => JSON.parse(await someone.page.locator("[data-claims]").innerText());

export default async function ({ person }) {
  const ann = await person("Ann");
  await ann.visit("/");
  await ann.follow("Sign in");
  await ann.press("Ann Okoro, ann@greenhill.example");
  assert.equal(await ann.heading(), "Signed in");
  const { sub, given_name, organisation } = await claims(ann);
  assert.deepEqual({ sub, given_name }, { sub: "A1", given_name: "Ann" });
  assert.equal(organisation.name, "Greenhill School");

  // The provider knows them still: nobody is asked again.
  await ann.visit("/");
  await ann.follow("Sign in");
  assert.equal(await ann.heading(), "Signed in");

  await ann.follow("Sign out");
  await ann.press("Sign out of DfE Sign-in");
  assert.equal(await ann.heading(), "Start");
  await ann.follow("Sign in");
  assert.equal(await ann.heading(), "Choose an account");
  await ann.press("Let this sign-in time out");
  await ann.sees("sessionexpired without a state");

  const bob = await person("Bob");
  await bob.visit("/");
  await bob.follow("Sign in");
  await bob.press("Bob Hughes, bob@home.example");
  assert.deepEqual((await claims(bob)).organisation, {});

  const cai = await person("Cai");
  await cai.visit("/");
  await cai.follow("Sign in");
  await cai.press("Refuse");
  await cai.sees("consent_denied with the state");
}

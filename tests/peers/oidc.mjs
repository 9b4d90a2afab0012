// A real OpenID provider, with DfE Sign-in's paths, scopes and claims. Accounts and clients can be replaced
// while it runs:
//
//   node oidc.mjs '{"port":0,"client":{…},"accounts":[…]}' [--attached]
//   PUT /_control/accounts [{"sub":…,"given_name":…,"family_name":…,"email":…,"organisation":{…}}]
//   PUT /_control/client   {"client_id":…,"client_secret":…,"redirect_uris":[…],"post_logout_redirect_uris":[…]}
//   GET /_control/sign-ins  how often each `sub` signed in
//   GET /_control/facts     the ready line again
//
// As at DfE, an account without an organisation gets `organisation: {}`, claims come from userinfo, and an
// interaction that timed out calls back with `error=sessionexpired` and no `state`.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { Provider, interactionPolicy } from "oidc-provider";
import { setStorage } from "oidc-provider/lib/adapters/memory_adapter.js";
import { bodyOf, control, endWithParent, listen, options, ready } from "./peer.mjs";

endWithParent();
const settings = options({ port: 0, issuer: null, client: null, accounts: [] });
let accounts = settings.accounts;
const signIns = {};

// Its own memory forgets the oldest of a thousand things, and with them sign-ins that are under way when many are. What is
// out of date it sees by itself.
setStorage(new Map());

const server = createServer();
const port = await listen(server, settings.port);
const issuer = settings.issuer ?? `http://127.0.0.1:${port}`;
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const jwks = { keys: [{ ...privateKey.export({ format: "jwk" }), alg: "RS256", use: "sig", kid: "peer" }] };
const cookieKey = randomBytes(32).toString("base64url");

const escaped = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const page = (title, body) =>
  `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title></head>` +
  `<body><main><h1>${escaped(title)}</h1>${body}</main></body></html>`;

function configuration(client) {
  const policy = interactionPolicy.base();
  policy.remove("consent");
  return {
    clients: client ? [{ token_endpoint_auth_method: "client_secret_basic", ...client }] : [],
    jwks,
    cookies: { keys: [cookieKey] },
    routes: {
      authorization: "/auth",
      token: "/token",
      userinfo: "/me",
      jwks: "/certs",
      end_session: "/session/end",
    },
    scopes: ["openid"],
    claims: {
      openid: ["sub"],
      profile: ["given_name", "family_name"],
      email: ["email"],
      organisation: ["organisation"],
    },
    responseTypes: ["code"],
    pkce: { required: () => true },
    interactions: { policy, url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: {
        enabled: true,
        // One button, with words that a journey can press.
        logoutSource: (ctx, form) => {
          ctx.body = page(
            "Sign out",
            `${form}<button type="submit" form="op.logoutForm" name="logout" value="yes">Sign out of DfE Sign-in</button>`,
          );
        },
        postLogoutSuccessSource: (ctx) => {
          ctx.body = page("You are signed out of DfE Sign-in", "");
        },
      },
    },
    // The service belongs to the same department: nobody is asked to consent.
    loadExistingGrant: async (ctx) => {
      const { client: asking, params, session } = ctx.oidc;
      const grant = new ctx.oidc.provider.Grant({ accountId: session.accountId, clientId: asking.clientId });
      grant.addOIDCScope(params.scope);
      await grant.save();
      return grant;
    },
    findAccount: (_ctx, sub) => {
      const account = accounts.find((a) => a.sub === sub);
      return account && { accountId: sub, claims: () => ({ organisation: {}, ...account }) };
    },
    ttl: { Session: 8 * 3600, Interaction: 600, Grant: 8 * 3600, AccessToken: 3600, IdToken: 3600 },
    renderError: (ctx, out) => {
      ctx.type = "html";
      ctx.body = page("Something went wrong", `<p>${escaped(out.error)}: ${escaped(out.error_description)}</p>`);
    },
  };
}

function make(client) {
  const provider = new Provider(issuer, configuration(client));
  return { provider, answer: provider.callback() };
}
let current = make(settings.client);

function signInPage(uid) {
  const choices = accounts.map((a) => {
    const label = `${a.given_name} ${a.family_name}, ${a.email}`;
    return `<p><button name="sub" value="${escaped(a.sub)}">${escaped(label)}</button></p>`;
  });
  return page(
    "Choose an account",
    `<form method="post" action="/interaction/${uid}">${choices.join("")}` +
      `<p><button name="expire" value="yes">Let this sign-in time out</button></p>` +
      `<p><button name="refuse" value="yes">Refuse</button></p></form>`,
  );
}

/** Shows the accounts, and takes the choice. */
async function interaction(request, response) {
  const { provider } = current;
  const { uid, params } = await provider.interactionDetails(request, response);
  if (request.method === "GET") {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
    return response.end(signInPage(uid));
  }
  const form = new URLSearchParams(await bodyOf(request));
  if (form.has("expire")) {
    response.writeHead(303, { location: `${params.redirect_uri}?error=sessionexpired` });
    return response.end();
  }
  if (form.has("refuse")) {
    return provider.interactionFinished(request, response, { error: "consent_denied" });
  }
  const accountId = form.get("sub");
  signIns[accountId] = (signIns[accountId] ?? 0) + 1;
  return provider.interactionFinished(request, response, { login: { accountId, remember: true } });
}

const facts = { issuer, control: `http://127.0.0.1:${port}/_control` };
const handlers = {
  "GET /_control/facts": () => facts,
  "PUT /_control/accounts": (list) => {
    accounts = list;
  },
  "PUT /_control/client": (client) => {
    current = make(client);
  },
  "GET /_control/sign-ins": () => signIns,
};

server.on("request", (request, response) => {
  if (request.url.startsWith("/_control/")) return control(handlers, request, response);
  if (!request.url.startsWith("/interaction/")) return current.answer(request, response);
  return interaction(request, response).catch((error) => {
    response.writeHead(400, { "content-type": "text/html; charset=utf-8" });
    response.end(page("Something went wrong", `<p>${escaped(error)}</p>`));
  });
});

ready(facts);

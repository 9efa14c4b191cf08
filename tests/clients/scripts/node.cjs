// MSAL Node, @azure/identity and the Graph client for JavaScript, one case a run: `node node.cjs CASE` prints JSON.
// Through the proxy nothing is said about addresses; NODE_USE_ENV_PROXY makes Node 24's own fetch obey HTTPS_PROXY.
'use strict';

const fs = require('node:fs');
const env = process.env;
const tenant = env.PBISETUP_SANDBOX_TENANT;
const base = env.PBISETUP_SANDBOX_URL;
const proxy = 'HTTPS_PROXY' in env;
const clientId = env.CLIENT_ID || env.PBISETUP_SANDBOX_OPERATOR_ID;
const clientSecret = env.CLIENT_SECRET || env.PBISETUP_SANDBOX_OPERATOR_SECRET;
const graphScope = 'https://graph.microsoft.com/.default';
const powerBiScope = 'https://analysis.windows.net/powerbi/api/.default';

const msalAuth = (more) => proxy
  ? { clientId, authority: `https://login.microsoftonline.com/${tenant}`, ...more }
  : { clientId, authority: `${base}/${tenant}`, knownAuthorities: [new URL(base).host], ...more };
const identityOptions = proxy ? {} : { authorityHost: base, disableInstanceDiscovery: true };

async function confidential(proof) {
  const { ConfidentialClientApplication } = require('@azure/msal-node');
  const app = new ConfidentialClientApplication({ auth: msalAuth(proof) });
  const first = await app.acquireTokenByClientCredential({ scopes: [graphScope] });
  const again = await app.acquireTokenByClientCredential({ scopes: [graphScope] });
  return { token: first.accessToken, cached: again.fromCache };
}

async function publicClient(signIn) {
  const { PublicClientApplication } = require('@azure/msal-node');
  const app = new PublicClientApplication({ auth: msalAuth({}) });
  const first = await signIn(app);
  const silent = await app.acquireTokenSilent({ account: first.account, scopes: [powerBiScope] });
  return { token: first.accessToken, account: first.account.username, silent: silent.accessToken };
}

function openBrowser(url) {
  const { spawn } = require('node:child_process');
  spawn(env.BROWSER_PROGRAM, [env.BROWSER_SCRIPT, url], { stdio: 'ignore' });
  return Promise.resolve();
}

async function graphClient() {
  const { Client } = require('@microsoft/microsoft-graph-client');
  const { TokenCredentialAuthenticationProvider } =
    require('@microsoft/microsoft-graph-client/authProviders/azureTokenCredentials');
  const { ClientSecretCredential } = require('@azure/identity');
  const credential = new ClientSecretCredential(tenant, clientId, clientSecret, identityOptions);
  const authProvider = new TokenCredentialAuthenticationProvider(credential, { scopes: [graphScope] });
  const where = proxy ? {} : { baseUrl: base, customHosts: new Set([new URL(base).hostname]) };
  const client = Client.initWithMiddleware({ authProvider, ...where });
  const made = await client.api('/applications').post({ displayName: 'from JavaScript' });
  const found = await client.api('/applications').filter(`appId eq '${made.appId}'`).select('id,appId').get();
  await client.api(`/applications/${made.id}`).delete();
  let status = 0;
  try {
    await client.api(`/applications/${made.id}`).get();
  } catch (error) {
    status = error.statusCode;
  }
  return { made: made.appId, found: found.value[0].appId, afterwards: status };
}

async function identity(name) {
  const library = require('@azure/identity');
  const made = {
    secret: () => new library.ClientSecretCredential(tenant, clientId, clientSecret, identityOptions),
    certificate: () => new library.ClientCertificateCredential(tenant, clientId, env.CERTIFICATE_FILE, identityOptions),
    assertion: () => new library.ClientAssertionCredential(
      tenant, clientId, async () => fs.readFileSync(env.ASSERTION_FILE, 'utf8'), identityOptions),
    environment: () => new library.EnvironmentCredential(identityOptions),
    device_code: () => new library.DeviceCodeCredential(
      { tenantId: tenant, clientId, userPromptCallback: () => {}, ...identityOptions }),
  };
  try {
    return { token: (await made[name]().getToken(graphScope)).token };
  } catch (error) {
    return { error: error.message };
  }
}

const cases = {
  'msal secret': () => confidential({ clientSecret }),
  'msal certificate': () => {
    const pem = fs.readFileSync(env.CERTIFICATE_FILE, 'utf8');
    const privateKey = pem.slice(pem.indexOf('-----BEGIN PRIVATE KEY'));
    return confidential({ clientCertificate: { thumbprintSha256: env.THUMBPRINT, privateKey } });
  },
  'msal device code': () => publicClient((app) => app.acquireTokenByDeviceCode(
    { scopes: [graphScope], deviceCodeCallback: () => {} })),
  'msal browser': () => publicClient((app) => app.acquireTokenInteractive({ scopes: [graphScope], openBrowser })),
  graph: graphClient,
};

const name = process.argv[2];
const run = cases[name] || (() => identity(name.replace('identity ', '')));
run().then((answer) => console.log(JSON.stringify(answer))).catch((error) => {
  console.error(error);
  process.exit(1);
});

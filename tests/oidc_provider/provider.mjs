// A certified OpenID provider on loopback for the tests: two tenants, roles, groups, and tokens in the shape of Microsoft Entra ID.
//
//   node provider.mjs '{"audiences": ["api://gateway"], "entra": true}'
//
// Prints {"port": N} once it listens and ends with its standard input. Any password is right. What stands beside the provider itself:
//   /{tenant}/v2.0/.well-known/openid-configuration   Entra's metadata per tenant, `organizations` with {tenantid} in the issuer
//   POST /_test/rotate                                 new keys, the old ones withdrawn
// Tokens without "entra" are as RFC 9068 has them: typ at+jwt, `scope`, the provider's own issuer.
import http from 'node:http';
import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider, errors } from 'oidc-provider';

const order = { audiences: ['api://gateway'], entra: false, ...JSON.parse(process.argv[2] ?? '{}') };
const TENANT_A = 'aaaaaaaa-0000-4000-8000-000000000001';
const TENANT_B = 'bbbbbbbb-0000-4000-8000-000000000002';
const SCOPES = 'gateway.read gateway.ask gateway.admin access_as_user';
const ISSUERS = /^\/([a-z0-9-]+)\/v2\.0\/\.well-known\/openid-configuration$/;

const person = (name, tid, more) => ({
  oid: `oid-${name}`, tid, name, preferred_username: `${name}@${tid === TENANT_A ? 'a' : 'b'}.test`, idtyp: 'user', ...more,
});
const people = {
  alice: person('alice', TENANT_A, { roles: ['Gateway.Admin'] }),
  carol: person('carol', TENANT_A, { roles: ['Gateway.Analyst'] }),
  greta: person('greta', TENANT_A, { groups: ['group-analysts'] }),
  // more groups than fit: Entra leaves the claim out and says where they are
  otto: person('otto', TENANT_A, {
    _claim_names: { groups: 'src1' },
    _claim_sources: { src1: { endpoint: `https://graph.windows.net/${TENANT_A}/users/oid-otto/getMemberObjects` } },
  }),
  nora: person('nora', TENANT_A, {}),
  bob: person('bob', TENANT_B, { roles: ['Gateway.Analyst'] }),
};
const program = { oid: 'oid-daemon', tid: TENANT_A, roles: ['Gateway.Operator'], idtyp: 'app' };
const claimsOf = (id) => people[id] ?? program;

const server = http.createServer();
await new Promise((listening) => server.listen(order.port ?? 0, '127.0.0.1', listening));
const base = `http://127.0.0.1:${server.address().port}`;
const issuerOf = (tid) => (order.entra ? `${base}/${tid}/v2.0` : base);

const resource = (uri, kid) => {
  if (!order.audiences.includes(uri)) throw new errors.InvalidTarget('AADSTS500011: The resource principal was not found.');
  return { scope: SCOPES, audience: uri, accessTokenFormat: 'jwt', accessTokenTTL: 600, jwt: { sign: { alg: 'RS256', kid } } };
};

const inEntrasShape = (_ctx, token, parts) => {
  const { scope, client_id: azp, ...rest } = parts.payload;
  const scp = token.kind === 'ClientCredentials' ? {} : { scp: scope };
  parts.header = { typ: 'JWT' };
  parts.payload = { ...rest, ...scp, azp, ver: '2.0', iss: issuerOf(rest.tid) };
};

const newProvider = async () => {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const kid = randomUUID();
  return new Provider(base, {
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid, alg: 'RS256', use: 'sig' }] },
    cookies: { keys: [randomUUID()] },
    clients: [
      { client_id: 'daemon', client_secret: 'daemon-secret', grant_types: ['client_credentials'], redirect_uris: [], response_types: [] },
      {
        // native: the port of a loopback address may be any, the path may not
        client_id: 'gateway', client_secret: 'gateway-secret', application_type: 'native', grant_types: ['authorization_code'],
        redirect_uris: ['127.0.0.1', 'localhost'].flatMap((host) => ['corp', 'entra'].map((name) => `http://${host}/login/${name}/callback`)),
      },
      {
        client_id: 'desktop', token_endpoint_auth_method: 'none', application_type: 'native',
        grant_types: ['authorization_code', 'refresh_token'], redirect_uris: ['http://127.0.0.1/callback'],
      },
    ],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: (_ctx, client, oneOf) => oneOf ?? (client.clientId === 'gateway' ? undefined : order.audiences[0]),
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, uri) => resource(uri, kid),
      },
    },
    scopes: ['openid', 'profile', 'offline_access', ...SCOPES.split(' ')],
    claims: { openid: ['sub', 'oid', 'tid', 'roles', 'groups', '_claim_names', '_claim_sources'], profile: ['name', 'preferred_username'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    findAccount: (_ctx, id) => (people[id] ? { accountId: id, claims: () => ({ sub: id, ...people[id] }) } : undefined),
    extraTokenClaims: (_ctx, token) => claimsOf(token.accountId),
    ...(order.entra ? { formats: { customizers: { jwt: inEntrasShape } } } : {}),
    ttl: { AuthorizationCode: 60, IdToken: 600, Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, ClientCredentials: 600 },
  });
};

let provider = await newProvider();

const metadataOf = async (tenant) => {
  const own = await (await fetch(`${base}/.well-known/openid-configuration`)).json();
  const shared = ['organizations', 'common'].includes(tenant);
  // Entra registers no clients and does not say `iss` in its answers
  const unlike = { registration_endpoint: undefined, authorization_response_iss_parameter_supported: undefined };
  return { ...own, ...unlike, issuer: issuerOf(shared ? '{tenantid}' : tenant) };
};

server.on('request', async (request, response) => {
  const asked = ISSUERS.exec(request.url);
  if (request.method === 'POST' && request.url === '/_test/rotate') {
    provider = await newProvider();
    response.end('{}');
  } else if (order.entra && asked) {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(await metadataOf(asked[1])));
  } else {
    provider.callback()(request, response);
  }
});

process.stdin.on('end', () => process.exit(0)).resume();
console.log(JSON.stringify({ port: server.address().port }));

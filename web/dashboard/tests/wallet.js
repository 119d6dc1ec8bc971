// A wallet of the wallet standard, for tests. The test puts this script into the page before it
// loads. It has no code of the page: only the engine's Ed25519.

(() => {
  const { name, address, publicKey, pkcs8, refuses = false } = globalThis.walletOfTest;
  const CHAIN = "solana:localnet";
  const account = { address, publicKey: Uint8Array.from(publicKey), chains: [CHAIN], features: ["solana:signIn"] };
  const key = crypto.subtle.importKey("pkcs8", Uint8Array.from(pkcs8), "Ed25519", false, ["sign"]);
  let accounts = [];

  function textOf(input) {
    return [
      `${input.domain} wants you to sign in with your Solana account:`,
      input.address,
      "",
      input.statement,
      "",
      `URI: ${input.uri}`,
      `Version: ${input.version}`,
      `Chain ID: ${input.chainId}`,
      `Nonce: ${input.nonce}`,
      `Issued At: ${input.issuedAt}`,
      `Expiration Time: ${input.expirationTime}`,
    ].join("\n");
  }

  const wallet = {
    version: "1.0.0",
    name,
    icon: "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCAyIDIiPjxjaXJjbGUgY3g9IjEiIGN5PSIxIiByPSIxIiBmaWxsPSIjMGVhNWU5Ii8+PC9zdmc+",
    chains: [CHAIN],
    get accounts() {
      return accounts;
    },
    features: {
      "standard:connect": {
        version: "1.0.0",
        connect: async () => {
          accounts = [account];
          return { accounts };
        },
      },
      "solana:signIn": {
        version: "1.0.0",
        signIn: async (...inputs) =>
          Promise.all(
            inputs.map(async (input) => {
              if (refuses) throw new Error("the user rejected the request");
              const signedMessage = new TextEncoder().encode(textOf(input));
              const signature = new Uint8Array(await crypto.subtle.sign("Ed25519", await key, signedMessage));
              return { account, signedMessage, signature };
            }),
          ),
      },
    },
  };

  const violations = [];
  globalThis.violationsOfTest = violations;
  document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sourceFile, lineNumber }) => {
    violations.push(`${violatedDirective} ${blockedURI} at ${sourceFile}:${lineNumber}`);
  });

  const callback = ({ register }) => register(wallet);
  class RegisterWallet extends Event {
    get detail() {
      return callback;
    }
  }
  globalThis.addEventListener("wallet-standard:app-ready", ({ detail }) => callback(detail));
  globalThis.dispatchEvent(new RegisterWallet("wallet-standard:register-wallet"));
})();

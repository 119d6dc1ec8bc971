// A wallet of the wallet standard, for tests. The test puts this script into the page before it
// loads. It has no code of the page: only the engine's Ed25519.

(() => {
  const { name, accounts: count = 1, refuses = false, varies = false } = globalThis.walletOfTest;
  const CHAIN = "solana:localnet";
  const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

  function base58(bytes) {
    let value = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
    let text = "";
    for (; value > 0n; value /= 58n) text = ALPHABET[Number(value % 58n)] + text;
    for (let at = 0; bytes[at] === 0; at++) text = `1${text}`;
    return text;
  }

  async function createAccount() {
    const keys = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
    const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", keys.publicKey));
    const features = ["solana:signTransaction", "solana:signIn"];
    return { keys, account: { address: base58(publicKey), publicKey, chains: [CHAIN], features } };
  }

  const created = Promise.all(Array.from({ length: count }, createAccount));
  const listeners = new Set();
  let connected = [];
  let nonce = 0;

  async function sign(address, message) {
    const found = (await created).find(({ account }) => account.address === address);
    return new Uint8Array(await crypto.subtle.sign("Ed25519", found.keys.privateKey, message));
  }

  function refuse() {
    if (refuses) throw new Error("the user rejected the request");
  }

  const wallet = {
    version: "1.0.0",
    name,
    icon: "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCAyIDIiPjxjaXJjbGUgY3g9IjEiIGN5PSIxIiByPSIxIiBmaWxsPSIjMGVhNWU5Ii8+PC9zdmc+",
    chains: [CHAIN],
    get accounts() {
      return connected;
    },
    features: {
      "standard:connect": {
        version: "1.0.0",
        connect: async () => {
          if (connected.length === 0) connected = (await created).map(({ account }) => account);
          return { accounts: connected };
        },
      },
      "standard:events": {
        version: "1.0.0",
        on: (_, listener) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      },
      "solana:signTransaction": {
        version: "1.0.0",
        supportedTransactionVersions: ["legacy", 0],
        signTransaction: async (...inputs) =>
          Promise.all(
            inputs.map(async ({ account, transaction }) => {
              refuse();
              // One byte with the number of signatures, the signatures, and the message. The account
              // pays, so its signature is the first.
              const signedTransaction = transaction.slice();
              signedTransaction.set(await sign(account.address, transaction.slice(1 + 64 * transaction[0])), 1);
              return { signedTransaction };
            }),
          ),
      },
      "solana:signIn": {
        version: "1.0.0",
        signIn: async (...inputs) =>
          Promise.all(
            inputs.map(async ({ domain, statement }) => {
              refuse();
              const [account] = connected;
              const lines = [`${domain} wants you to sign in with your Solana account:`, account.address, "", statement];
              if (varies) lines.push("", `Nonce: ${++nonce}`);
              const signedMessage = new TextEncoder().encode(lines.join("\n"));
              return { account, signedMessage, signature: await sign(account.address, signedMessage) };
            }),
          ),
      },
    },
  };

  // Makes another account the first, as if the visitor had selected it in the wallet.
  globalThis.selectOtherAccount = () => {
    connected = [...connected.slice(1), connected[0]];
    for (const listener of listeners) listener({ accounts: connected });
    return connected[0].address;
  };

  const callback = ({ register }) => register(wallet);
  class RegisterWallet extends Event {
    get detail() {
      return callback;
    }
  }
  globalThis.addEventListener("wallet-standard:app-ready", ({ detail }) => callback(detail));
  globalThis.dispatchEvent(new RegisterWallet("wallet-standard:register-wallet"));
})();

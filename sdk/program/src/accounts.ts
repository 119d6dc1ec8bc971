import {
  decodeAccount as decodeWithKit,
  type Account,
  type EncodedAccount,
  type FixedSizeDecoder,
  type MaybeAccount,
  type MaybeEncodedAccount,
} from "@solana/kit";

import { BautaClientError } from "./client-error.js";
import { BAUTA_PROGRAM_ADDRESS } from "./generated/programs/index.js";

/**
 * Decodes an account of the program. The generated functions `decode…` and `fetch…` use it.
 *
 * @throws {@link BautaClientError} if the account has another owner or another length.
 * @throws `SolanaError` if the account has another discriminator.
 */
export function decodeAccount<TData extends object, TAddress extends string>(
  account: EncodedAccount<TAddress>,
  decoder: FixedSizeDecoder<TData>,
): Account<TData, TAddress>;
export function decodeAccount<TData extends object, TAddress extends string>(
  account: MaybeEncodedAccount<TAddress>,
  decoder: FixedSizeDecoder<TData>,
): MaybeAccount<TData, TAddress>;
export function decodeAccount<TData extends object, TAddress extends string>(
  account: EncodedAccount<TAddress> | MaybeEncodedAccount<TAddress>,
  decoder: FixedSizeDecoder<TData>,
): Account<TData, TAddress> | MaybeAccount<TData, TAddress> {
  if (!("exists" in account) || account.exists) {
    const { address, programAddress, data } = account;
    if (programAddress !== BAUTA_PROGRAM_ADDRESS) {
      throw new BautaClientError(
        "foreign-account",
        `the owner of the account ${address} is ${programAddress}: it must be the program, ${BAUTA_PROGRAM_ADDRESS}`,
      );
    }
    if (data.length !== decoder.fixedSize) {
      throw new BautaClientError(
        "account-length",
        `the account ${address} has ${data.length} bytes: an account of this kind has ${decoder.fixedSize} bytes`,
      );
    }
  }
  return decodeWithKit(account as MaybeEncodedAccount<TAddress>, decoder);
}

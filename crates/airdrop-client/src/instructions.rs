//! Builders of the program's instructions, and of those that create and fund a vault.

use anchor_lang::{InstructionData, ToAccountMetas};
use bauta_airdrop::{
    accounts, instruction,
    instructions::{CampaignRules, Proof},
    token::ASSOCIATED_TOKEN_PROGRAM,
};
use bauta_primitives::Nullifier;
use solana_address::Address;
use solana_instruction::{AccountMeta, Instruction};

use crate::addresses;

const SYSTEM: Address = anchor_lang::system_program::ID;
/// The number of `CreateIdempotent` in the Associated Token Account program. It succeeds if the
/// account exists already.
const CREATE_IDEMPOTENT: u8 = 1;

fn build(accounts: &impl ToAccountMetas, data: &impl InstructionData) -> Instruction {
    Instruction {
        program_id: bauta_airdrop::ID,
        accounts: accounts.to_account_metas(None),
        data: data.data(),
    }
}

/// Creates a campaign over a scope whose gate is the campaign's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateCampaign {
    /// The account that pays the rent. It must sign.
    pub payer: Address,
    /// The authority. It must sign.
    pub authority: Address,
    /// The number that the authority chooses for the campaign.
    pub nonce: u64,
    /// The scope whose proofs the campaign accepts.
    pub scope: Address,
    /// The scope's circuit account.
    pub circuit: Address,
    /// The mint of the tokens.
    pub mint: Address,
    /// The token program that owns the mint.
    pub token_program: Address,
    /// The rules of the campaign.
    pub rules: CampaignRules,
}

impl CreateCampaign {
    /// Derives the address of the campaign.
    #[must_use]
    pub fn campaign(&self) -> Address {
        addresses::campaign(&self.authority, self.nonce).address
    }

    /// Derives the address of the vault.
    #[must_use]
    pub fn vault(&self) -> Address {
        addresses::associated(&self.campaign(), &self.token_program, &self.mint)
    }

    /// Builds the instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        build(
            &accounts::CreateCampaign {
                payer: self.payer,
                authority: self.authority,
                campaign: self.campaign(),
                scope: self.scope,
                circuit: self.circuit,
                mint: self.mint,
                vault: self.vault(),
                token_program: self.token_program,
                system_program: SYSTEM,
            },
            &instruction::CreateCampaign {
                nonce: self.nonce,
                rules: self.rules.clone(),
            },
        )
    }
}

/// Claims a tier with a proof.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The account that pays the rent of the nullifier account. It must sign.
    pub payer: Address,
    /// The recipient that the proof names.
    pub recipient: Address,
    /// The relayer that the proof names. It must sign. `None` if anyone may submit the claim.
    pub relayer: Option<Address>,
    /// The campaign account.
    pub campaign: Address,
    /// The campaign's scope.
    pub scope: Address,
    /// The campaign's circuit account.
    pub circuit: Address,
    /// The campaign's mint.
    pub mint: Address,
    /// The campaign's token program.
    pub token_program: Address,
    /// The number of the tier from 0. In a campaign with a curve, the exact score in millionths.
    pub tier: u32,
    /// The time for which the score was proved, in Unix seconds.
    pub as_of: u64,
    /// The proof: −A, B, C.
    pub proof: [u8; 256],
    /// The nullifier that the proof shows.
    pub nullifier: Nullifier,
    /// The time after which the proof is refused, in Unix seconds.
    pub expiry: i64,
}

impl Claim {
    /// Derives the address of the nullifier account.
    #[must_use]
    pub fn nullifier_account(&self) -> Address {
        bauta_client::addresses::nullifier(&self.scope, self.nullifier).address
    }

    /// Derives the recipient's associated token account, which must exist:
    /// [`CreateAssociatedAccount`].
    #[must_use]
    pub fn recipient_account(&self) -> Address {
        addresses::associated(&self.recipient, &self.token_program, &self.mint)
    }

    /// Builds the instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        build(
            &accounts::Claim {
                payer: self.payer,
                recipient: self.recipient,
                campaign: self.campaign,
                vault: addresses::associated(&self.campaign, &self.token_program, &self.mint),
                recipient_account: self.recipient_account(),
                mint: self.mint,
                config: bauta_client::addresses::config().address,
                scope: self.scope,
                circuit: self.circuit,
                nullifier: self.nullifier_account(),
                relayer: self.relayer,
                token_program: self.token_program,
                system_program: SYSTEM,
                bauta_event_authority: bauta_client::addresses::event_authority().address,
                bauta_program: bauta::ID,
            },
            &instruction::Claim {
                tier: self.tier,
                as_of: self.as_of,
                proof: Proof {
                    proof: self.proof,
                    nullifier: self.nullifier.to_bytes(),
                    expiry: self.expiry,
                },
            },
        )
    }
}

/// Transfers the rest of a vault to a token account, after the grace period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sweep {
    /// The campaign's authority. It must sign.
    pub authority: Address,
    /// The campaign account.
    pub campaign: Address,
    /// The campaign's mint.
    pub mint: Address,
    /// The campaign's token program.
    pub token_program: Address,
    /// The token account that receives the rest.
    pub destination: Address,
}

impl Sweep {
    /// Builds the instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        build(
            &accounts::Sweep {
                authority: self.authority,
                campaign: self.campaign,
                vault: addresses::associated(&self.campaign, &self.token_program, &self.mint),
                destination: self.destination,
                mint: self.mint,
                token_program: self.token_program,
            },
            &instruction::Sweep {},
        )
    }
}

/// Creates the associated token account of an owner, unless it exists. The owner of a vault is the
/// campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreateAssociatedAccount {
    /// The account that pays the rent. It must sign.
    pub payer: Address,
    /// The owner of the tokens.
    pub owner: Address,
    /// The mint of the tokens.
    pub mint: Address,
    /// The token program that owns the mint.
    pub token_program: Address,
}

impl CreateAssociatedAccount {
    /// Builds the instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        let account = addresses::associated(&self.owner, &self.token_program, &self.mint);
        Instruction {
            program_id: ASSOCIATED_TOKEN_PROGRAM,
            accounts: vec![
                AccountMeta::new(self.payer, true),
                AccountMeta::new(account, false),
                AccountMeta::new_readonly(self.owner, false),
                AccountMeta::new_readonly(self.mint, false),
                AccountMeta::new_readonly(SYSTEM, false),
                AccountMeta::new_readonly(self.token_program, false),
            ],
            data: vec![CREATE_IDEMPOTENT],
        }
    }
}

/// Transfers tokens to the vault of a campaign. Anyone may fund a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fund {
    /// The owner of `source`. It must sign.
    pub owner: Address,
    /// The token account to take the tokens from.
    pub source: Address,
    /// The campaign account.
    pub campaign: Address,
    /// The campaign's mint.
    pub mint: Address,
    /// The campaign's token program.
    pub token_program: Address,
    /// The amount, in the smallest unit of the token.
    pub amount: u64,
    /// The decimals of the mint, which the token program compares.
    pub decimals: u8,
}

impl Fund {
    /// Builds the instruction. Returns `None` if `token_program` is neither SPL Token nor
    /// Token-2022.
    #[must_use]
    pub fn instruction(&self) -> Option<Instruction> {
        spl_token_2022_interface::instruction::transfer_checked(
            &self.token_program,
            &self.source,
            &self.mint,
            &addresses::associated(&self.campaign, &self.token_program, &self.mint),
            &self.owner,
            &[],
            self.amount,
            self.decimals,
        )
        .ok()
    }
}

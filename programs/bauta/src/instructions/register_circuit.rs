use crate::{
    account,
    errors::{BautaError, refused, require},
    events::{CircuitRegistered, emit},
    groth16::{self, VERIFYING_KEY_BYTES},
    state::{Circuit, Config, Provenance},
};
use anchor_lang::prelude::*;
use bauta_primitives::{sha256_of, tree::Depth};

/// Accounts of `register_circuit`.
#[event_cpi]
#[derive(Accounts)]
#[instruction(registration: CircuitRegistration)]
pub struct RegisterCircuit<'info> {
    /// The account that pays the rent of `circuit`.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// The admin in `Config`.
    pub admin: Signer<'info>,
    /// The account `Config`, the program's settings.
    #[account(has_one = admin @ BautaError::NotAdmin)]
    pub config: AccountLoader<'info, Config>,
    /// The account to create. Its address is derived from the hashes of the verifying key and of
    /// the metadata.
    /// CHECK: its address is derived, and it must not exist
    #[account(
        mut,
        seeds = [
            Circuit::SEED,
            &groth16::key_hash(&registration.verifying_key),
            &registration.metadata_hash()
        ],
        bump
    )]
    pub circuit: UncheckedAccount<'info>,
    /// The system program, which creates `circuit`.
    pub system_program: Program<'info, System>,
}

/// The description of a circuit, the argument of `register_circuit`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone)]
pub struct CircuitRegistration {
    /// The statement's name in ASCII, zero-padded.
    pub statement: [u8; 32],
    /// The statement's version. Versions start at 1.
    pub version: u16,
    /// The depth of the trees that the circuit proves membership in: 10 or 16.
    pub depth: u8,
    /// The leaf format. Leaf formats start at 1.
    pub leaf_format: u8,
    /// The leaf format of the auxiliary registry whose root the statement includes in its claim. 0
    /// if the statement includes none.
    pub auxiliary_format: u8,
    /// The origin of the key.
    pub provenance: Provenance,
    /// The SHA-256 hash of the constraint system.
    pub constraint_system_hash: [u8; 32],
    /// The SHA-256 hash of the ceremony's transcript. Zero for a development key.
    pub transcript_hash: [u8; 32],
    /// The verifying key: alpha, beta, gamma, delta, IC0, IC1.
    pub verifying_key: [u8; VERIFYING_KEY_BYTES],
}

impl CircuitRegistration {
    /// Computes the SHA-256 hash of every field except the verifying key, in their order. Integers
    /// are little-endian.
    ///
    /// It is part of the circuit's address. A registration with wrong metadata therefore does not
    /// take the address of the right one.
    #[must_use]
    pub fn metadata_hash(&self) -> [u8; 32] {
        sha256_of(&[
            &self.statement,
            &self.version.to_le_bytes(),
            &[
                self.depth,
                self.leaf_format,
                self.auxiliary_format,
                self.provenance as u8,
            ],
            &self.constraint_system_hash,
            &self.transcript_hash,
        ])
    }
}

impl RegisterCircuit<'_> {
    pub(crate) fn run(&self, bump: u8, registration: &CircuitRegistration) -> Result<()> {
        let development_keys_allowed = account::load(&self.config)?.development_keys_allowed != 0;
        check(registration, development_keys_allowed)?;
        groth16::check_key(&registration.verifying_key)?;
        let vk_hash = groth16::key_hash(&registration.verifying_key);
        let seeds: [&[u8]; 4] = [Circuit::SEED, &vk_hash, &registration.metadata_hash(), &[bump]];
        let circuit = &mut *account::create::<Circuit>(&self.payer, &self.circuit, &seeds)?;
        circuit.statement = registration.statement;
        circuit.version = registration.version;
        circuit.depth = registration.depth;
        circuit.leaf_format = registration.leaf_format;
        circuit.auxiliary_format = registration.auxiliary_format;
        circuit.provenance = registration.provenance as u8;
        circuit.status = Circuit::ACTIVE;
        circuit.bump = bump;
        circuit.vk_hash = vk_hash;
        circuit.constraint_system_hash = registration.constraint_system_hash;
        circuit.transcript_hash = registration.transcript_hash;
        circuit.verifying_key = registration.verifying_key;
        let event = CircuitRegistered {
            circuit: self.circuit.key(),
            vk_hash: circuit.vk_hash,
            statement: circuit.statement,
            version: circuit.version,
            depth: circuit.depth,
            leaf_format: circuit.leaf_format,
            provenance: registration.provenance,
            constraint_system_hash: circuit.constraint_system_hash,
            transcript_hash: circuit.transcript_hash,
            timestamp: account::now()?,
            auxiliary_format: circuit.auxiliary_format,
        };
        emit(&event, &self.event_authority)
    }
}

fn check(registration: &CircuitRegistration, development_keys_allowed: bool) -> Result<()> {
    let length = registration
        .statement
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(32);
    let (name, padding) = registration.statement.split_at(length);
    require!(
        !name.is_empty() && name.iter().all(u8::is_ascii_graphic) && padding.iter().all(|byte| *byte == 0),
        BautaError::BadStatementName
    );
    require!(registration.version != 0, BautaError::ZeroVersion);
    require!(registration.leaf_format != 0, BautaError::ZeroLeafFormat);
    Depth::try_from(registration.depth).map_err(|_| refused(BautaError::UnknownDepth))?;
    match registration.provenance {
        Provenance::Development => require!(development_keys_allowed, BautaError::DevelopmentKeyRefused),
        Provenance::Ceremony => {
            require!(
                registration.transcript_hash != [0; 32],
                BautaError::MissingTranscript
            );
        }
    }
    Ok(())
}

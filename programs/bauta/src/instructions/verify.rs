use crate::{
    account,
    errors::{BautaError, refused, require},
    events::{OwnershipVerified, emit},
    groth16::{self, PROOF_BYTES},
    state::{Circuit, Config, Node, Nullifier, Registry, Scope, ScopeMode},
};
use anchor_lang::{prelude::*, solana_program::program::set_return_data};
use bauta_primitives::{Context as ProofContext, FieldElement, poseidon, sha256};
use std::io::{self, Read};

/// Accounts of `verify`. Besides the payer's account, it writes only to its own nullifier account.
/// Verifications of one scope with different payers can therefore run in parallel.
#[event_cpi]
#[derive(Accounts)]
pub struct Verify<'info> {
    /// The account that pays the rent of `nullifier`. It receives the rent back after the end of
    /// the scope.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// The address that benefits from the verification.
    /// CHECK: only its address is used, and the proof is bound to it
    pub recipient: UncheckedAccount<'info>,
    /// The account `Config`, the program's settings.
    pub config: AccountLoader<'info, Config>,
    /// The scope account.
    pub scope: AccountLoader<'info, Scope>,
    /// The scope's circuit account.
    pub circuit: AccountLoader<'info, Circuit>,
    /// The account to create. Its address is derived from the scope account and the nullifier.
    /// CHECK: its address is derived, and it must not exist
    #[account(mut)]
    pub nullifier: UncheckedAccount<'info>,
    /// The scope's registry. Only a scope of mode `Live` needs it.
    pub registry: Option<AccountLoader<'info, Registry>>,
    /// The scope's auxiliary registry, if it has one.
    pub auxiliary_registry: Option<AccountLoader<'info, Registry>>,
    /// The scope's gate, if it has one. It must sign.
    pub gate: Option<Signer<'info>>,
    /// The relayer that the proof names, if it names one. It must sign.
    pub relayer: Option<Signer<'info>>,
    /// The system program, which creates `nullifier`.
    pub system_program: Program<'info, System>,
}

/// The maximum length of the payload in bytes. The runtime limits instruction data to 10 KiB, so no
/// caller can reach it.
pub const MAX_PAYLOAD_BYTES: usize = 10 * 1024;

/// A proof and the values that it shows, the argument of `verify`.
#[derive(AnchorSerialize, Clone)]
pub struct Presentation {
    /// The proof: −A, B, C.
    pub proof: [u8; PROOF_BYTES],
    /// The root that the proof was made at.
    pub root: Node,
    /// The nullifier.
    pub nullifier: Node,
    /// The claim. With an auxiliary registry, the value without the auxiliary root.
    pub claim: Node,
    /// The root of the auxiliary registry that the proof was made at, if the scope has an auxiliary
    /// registry.
    pub auxiliary_root: Option<Node>,
    /// The time after which the program refuses the proof, in Unix seconds.
    pub expiry: i64,
    /// The consumer's data. The proof is bound to its SHA-256 hash. At most 10,240 bytes.
    pub payload: Vec<u8>,
}

/// A hand-written implementation, because of the field `payload`. The derived form reserves the
/// length that the data states, up to 1 MiB, before it reads the bytes. The program's heap has 32
/// KiB.
impl AnchorDeserialize for Presentation {
    fn deserialize_reader<R: Read>(reader: &mut R) -> io::Result<Self> {
        Ok(Self {
            proof: AnchorDeserialize::deserialize_reader(reader)?,
            root: AnchorDeserialize::deserialize_reader(reader)?,
            nullifier: AnchorDeserialize::deserialize_reader(reader)?,
            claim: AnchorDeserialize::deserialize_reader(reader)?,
            auxiliary_root: AnchorDeserialize::deserialize_reader(reader)?,
            expiry: AnchorDeserialize::deserialize_reader(reader)?,
            payload: read_bytes(reader)?,
        })
    }
}

/// Reads a list of bytes, whose length is checked before memory is reserved.
pub(crate) fn read_bytes<R: Read>(reader: &mut R) -> io::Result<Vec<u8>> {
    let length = u32::deserialize_reader(reader)?;
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > MAX_PAYLOAD_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "a list of bytes is longer than 10240",
        ));
    }
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

impl Verify<'_> {
    pub(crate) fn run(&self, presentation: &Presentation) -> Result<()> {
        let Presentation {
            root,
            nullifier,
            claim,
            ..
        } = presentation;
        let scope = &*account::load(&self.scope)?;
        let now = account::now()?;

        require!(account::load(&self.config)?.paused == 0, BautaError::Paused);
        scope.check_open(now)?;
        require!(self.circuit.key() == scope.circuit, BautaError::WrongCircuit);
        let circuit = &*account::load(&self.circuit)?;
        circuit.check_active(now)?;
        self.check_gate(&scope.gate)?;
        require!(presentation.expiry >= now, BautaError::ProofExpired);
        require!(*root < FieldElement::MODULUS, BautaError::RootNotCanonical);
        require!(
            *nullifier < FieldElement::MODULUS,
            BautaError::NullifierNotCanonical
        );
        require!(*claim < FieldElement::MODULUS, BautaError::ClaimNotCanonical);
        require!(
            scope.has_required_claim == 0 || scope.required_claim == *claim,
            BautaError::WrongClaim
        );
        self.check_root(scope, root, now)?;
        let bound_claim = self.bind_auxiliary_root(scope, presentation, now)?;

        let payload_hash = sha256(&presentation.payload);
        let relayer = self.relayer.as_ref().map(Key::key).unwrap_or_default();
        let recipient = self.recipient.key;
        let context = ProofContext::derive_hashed(
            recipient.as_array(),
            relayer.as_array(),
            presentation.expiry,
            &payload_hash,
        )
        .to_bytes();
        let digest = poseidon::hash_bytes([root, nullifier, &scope.scope, &bound_claim, &context])
            .map_err(|_| refused(BautaError::ProofRefused))?;
        groth16::verify(&circuit.verifying_key, &presentation.proof, &digest)?;

        self.record_nullifier(nullifier)?;
        let event = OwnershipVerified {
            scope: self.scope.key(),
            registry: scope.registry,
            circuit: scope.circuit,
            root: *root,
            claim: *claim,
            nullifier: *nullifier,
            recipient: *recipient,
            relayer,
            payload_hash,
            timestamp: now,
        };
        emit(&event, &self.event_authority)?;
        set_return_data(
            &[
                event.scope.to_bytes(),
                event.registry.to_bytes(),
                event.circuit.to_bytes(),
                event.claim,
                event.nullifier,
                event.recipient.to_bytes(),
                event.payload_hash,
            ]
            .concat(),
        );
        Ok(())
    }

    fn check_gate(&self, gate: &Pubkey) -> Result<()> {
        let signed = self.gate.as_ref().is_some_and(|signer| signer.key == gate);
        require!(signed || *gate == Pubkey::default(), BautaError::GateMustSign);
        Ok(())
    }

    fn check_root(&self, scope: &Scope, root: &Node, now: i64) -> Result<()> {
        if scope.mode == ScopeMode::Snapshot as u8 {
            require!(*root == scope.root, BautaError::NotTheSnapshot);
            return Ok(());
        }
        let registry = self
            .registry
            .as_ref()
            .ok_or_else(|| refused(BautaError::MissingRegistry))?;
        require!(registry.key() == scope.registry, BautaError::WrongRegistry);
        require!(
            account::load(registry)?.accepts(root, now),
            BautaError::UnknownRoot
        );
        Ok(())
    }

    /// Returns the claim in the digest. With an auxiliary registry, it includes the registry's
    /// root.
    ///
    /// In both modes, the auxiliary root must be the current root or a kept root that has not
    /// expired.
    fn bind_auxiliary_root(&self, scope: &Scope, presentation: &Presentation, now: i64) -> Result<Node> {
        if scope.auxiliary_registry == Pubkey::default() {
            require!(
                presentation.auxiliary_root.is_none(),
                BautaError::UnexpectedAuxiliary
            );
            return Ok(presentation.claim);
        }
        let (Some(root), Some(registry)) = (&presentation.auxiliary_root, &self.auxiliary_registry) else {
            return Err(refused(BautaError::MissingAuxiliary));
        };
        require!(
            *root < FieldElement::MODULUS,
            BautaError::AuxiliaryRootNotCanonical
        );
        require!(
            registry.key() == scope.auxiliary_registry,
            BautaError::WrongAuxiliaryRegistry
        );
        require!(
            account::load(registry)?.accepts(root, now),
            BautaError::UnknownAuxiliaryRoot
        );
        poseidon::hash_bytes([&presentation.claim, root]).map_err(|_| refused(BautaError::ClaimNotCanonical))
    }

    /// Creates the nullifier account.
    ///
    /// # Errors
    /// `NullifierUsed` if the account exists.
    fn record_nullifier(&self, nullifier: &Node) -> Result<()> {
        let scope = self.scope.key();
        let seeds: [&[u8]; 3] = [Nullifier::SEED, scope.as_ref(), nullifier];
        let (address, bump) = account::find(seeds)?;
        require!(self.nullifier.key() == address, BautaError::WrongNullifierAddress);
        require!(*self.nullifier.owner != crate::ID, BautaError::NullifierUsed);
        let seeds = [seeds[0], seeds[1], seeds[2], &[bump]];
        let account = &mut *account::create::<Nullifier>(&self.payer, &self.nullifier, &seeds)?;
        account.rent_payer = self.payer.key();
        account.scope_tag = Nullifier::scope_tag(&scope);
        account.nullifier_prefix = Nullifier::prefix(nullifier);
        Ok(())
    }
}

use crate::{
    account,
    errors::{BautaError, require},
    events::{ScopeCreated, emit},
    state::{Circuit, Config, Registry, Scope, ScopeMode},
};
use anchor_lang::prelude::*;
use bauta_primitives::FieldElement;

/// Accounts of `create_scope`.
#[event_cpi]
#[derive(Accounts)]
#[instruction(nonce: u64)]
pub struct CreateScope<'info> {
    /// The account that pays the rent of `scope`.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// The creator of the scope, who may close it early.
    pub creator: Signer<'info>,
    /// The account `Config`, which has the cluster tag.
    pub config: AccountLoader<'info, Config>,
    /// The registry whose members may prove.
    pub registry: AccountLoader<'info, Registry>,
    /// The circuit that members prove with. It must be active.
    pub circuit: AccountLoader<'info, Circuit>,
    /// The auxiliary registry, whose root is included in the claim. Its depth is 10 and its leaf
    /// format is the circuit's `auxiliary_format`. Omitted if that is 0.
    pub auxiliary_registry: Option<AccountLoader<'info, Registry>>,
    /// The account to create.
    /// CHECK: its address is derived, and it must not exist
    #[account(
        mut,
        seeds = [Scope::SEED, registry.key().as_ref(), creator.key().as_ref(), &nonce.to_le_bytes()],
        bump
    )]
    pub scope: UncheckedAccount<'info>,
    /// The system program, which creates `scope`.
    pub system_program: Program<'info, System>,
}

/// The rules of a new scope, an argument of `create_scope`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopeRules {
    /// The mode. `Snapshot` accepts each token once, also after it changes hands. `Live` accepts
    /// each registration once.
    pub mode: ScopeMode,
    /// The gate, which must sign each verification: an address of a consumer program.
    pub gate: Option<Pubkey>,
    /// The only accepted claim. Without it, the scope accepts every claim.
    pub required_claim: Option<[u8; 32]>,
    /// The time from which the scope accepts verifications, in Unix seconds.
    pub opens_at: i64,
    /// The time from which the scope refuses verifications, in Unix seconds. If the retirement of
    /// the circuit is scheduled, it must not be after that.
    pub closes_at: i64,
    /// A root that the registry must accept now: its current root, or a kept root that has not
    /// expired. A scope of mode `Snapshot` then has this root, so its members are certain although
    /// the registry can change before the transaction is executed. Without it, the scope has the
    /// current root.
    pub expected_root: Option<[u8; 32]>,
}

impl CreateScope<'_> {
    pub(crate) fn run(&self, bump: u8, nonce: u64, rules: &ScopeRules) -> Result<()> {
        let registry = account::load(&self.registry)?;
        let circuit = account::load(&self.circuit)?;
        let now = account::now()?;
        circuit.check_active(now)?;
        require!(circuit.depth == registry.depth, BautaError::DepthMismatch);
        require!(
            circuit.leaf_format == registry.leaf_format,
            BautaError::LeafFormatMismatch
        );
        self.check_auxiliary_registry(circuit.auxiliary_format)?;
        let root = rules.expected_root.unwrap_or(registry.root);
        require!(registry.accepts(&root, now), BautaError::UnexpectedRoot);
        require!(rules.gate != Some(Pubkey::default()), BautaError::ZeroGate);
        require!(
            rules.closes_at > rules.opens_at && rules.closes_at > now,
            BautaError::BadOpeningTimes
        );
        require!(
            circuit.retires_at == 0 || rules.closes_at <= circuit.retires_at,
            BautaError::ScopeOutlivesCircuit
        );
        if let Some(claim) = &rules.required_claim {
            require!(
                *claim < FieldElement::MODULUS,
                BautaError::RequiredClaimNotCanonical
            );
        }

        let (registry_key, creator) = (self.registry.key(), self.creator.key());
        let seeds: [&[u8]; 5] = [
            Scope::SEED,
            registry_key.as_ref(),
            creator.as_ref(),
            &nonce.to_le_bytes(),
            &[bump],
        ];
        let scope = &mut *account::create::<Scope>(&self.payer, &self.scope, &seeds)?;
        scope.creator = creator;
        scope.registry = registry_key;
        scope.circuit = self.circuit.key();
        scope.auxiliary_registry = self.auxiliary_registry.as_ref().map(Key::key).unwrap_or_default();
        scope.gate = rules.gate.unwrap_or_default();
        scope.scope = bauta_primitives::Scope::derive(
            &account::load(&self.config)?.cluster_tag,
            crate::ID.as_array(),
            self.scope.key().as_array(),
        )
        .to_bytes();
        if rules.mode == ScopeMode::Snapshot {
            scope.root = root;
        }
        scope.required_claim = rules.required_claim.unwrap_or_default();
        scope.has_required_claim = u8::from(rules.required_claim.is_some());
        scope.opens_at = rules.opens_at;
        scope.closes_at = rules.closes_at;
        scope.mode = rules.mode as u8;
        scope.status = Scope::OPEN;
        scope.depth = circuit.depth;
        scope.leaf_format = circuit.leaf_format;
        scope.bump = bump;
        scope.nonce = nonce;
        let event = ScopeCreated {
            scope: self.scope.key(),
            scope_element: scope.scope,
            creator: scope.creator,
            nonce,
            registry: scope.registry,
            circuit: scope.circuit,
            auxiliary_registry: scope.auxiliary_registry,
            gate: scope.gate,
            mode: rules.mode,
            root: scope.root,
            required_claim: rules.required_claim,
            opens_at: scope.opens_at,
            closes_at: scope.closes_at,
            timestamp: now,
        };
        emit(&event, &self.event_authority)
    }

    /// Checks that there is an auxiliary registry exactly if the circuit's statement includes the
    /// root of one. Otherwise the prover could choose the root in the claim.
    fn check_auxiliary_registry(&self, format: u8) -> Result<()> {
        let Some(registry) = &self.auxiliary_registry else {
            require!(format == 0, BautaError::MissingAuxiliaryRegistry);
            return Ok(());
        };
        require!(format != 0, BautaError::UnexpectedAuxiliaryRegistry);
        let registry = account::load(registry)?;
        require!(
            registry.leaf_format == format,
            BautaError::AuxiliaryFormatMismatch
        );
        require!(
            registry.depth == Circuit::AUXILIARY_DEPTH,
            BautaError::AuxiliaryDepthMismatch
        );
        Ok(())
    }
}

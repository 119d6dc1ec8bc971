//! Prints the contents of `src/empty_subtrees.in`: the root of an empty subtree for each level.
use bauta_primitives::{FieldElement, tree};

fn main() {
    println!("[");
    let mut node = FieldElement::ZERO;
    for _ in 0..17 {
        let bytes: Vec<String> = node
            .to_bytes()
            .iter()
            .map(|byte| format!("{byte:#04x}"))
            .collect();
        println!(
            "    FieldElement::from_canonical([\n        {}, //",
            bytes[..16].join(", ")
        );
        println!("        {},\n    ]),", bytes[16..].join(", "));
        node = tree::node([node; 4]);
    }
    println!("]");
}

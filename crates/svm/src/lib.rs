//! A local SVM with the program's ELF, real NFTs and holders, for tests, benchmarks and the demo.

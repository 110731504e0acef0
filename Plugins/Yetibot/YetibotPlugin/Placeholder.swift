// The shim comes with the engine.

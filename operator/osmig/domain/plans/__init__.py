"""What a MigrationPlan does next: hosts that are emptied by Migrations, and the proof that they are empty. Pure."""

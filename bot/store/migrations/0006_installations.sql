-- Installations of the GitHub App come, pause and go; so do their repositories.

-- GitHub's number of the user or organisation: it survives a new installation, which gets another id.
ALTER TABLE tenants ADD COLUMN account_id BIGINT;

ALTER TABLE tenants ADD COLUMN suspended INTEGER NOT NULL DEFAULT 0;

-- As of when GitHub says so: deliveries may come out of order.
ALTER TABLE tenants ADD COLUMN suspension_told_at BIGINT NOT NULL DEFAULT 0;

-- Set for good: GitHub never uses an installation's id again.
ALTER TABLE tenants ADD COLUMN uninstalled_at BIGINT;

-- GitHub's number of the repository, which survives a new name. NULL for local ones, and until a delivery tells it.
ALTER TABLE repositories ADD COLUMN github_id BIGINT;

-- 1, 0, or NULL while it is not known.
ALTER TABLE repositories ADD COLUMN private INTEGER;

-- Taken out of the installation, archived, deleted or transferred.
ALTER TABLE repositories ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;

ALTER TABLE repositories ADD COLUMN told_at BIGINT NOT NULL DEFAULT 0;

-- When its configuration was proposed, or found: it is proposed once.
ALTER TABLE repositories ADD COLUMN asked_at BIGINT;
